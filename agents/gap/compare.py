"""Compares what policies achieved in both worlds: from played episodes to the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.gap.competitors import Competitor
from agents.gap.gap_file import (
    Agreement,
    Measured,
    PlayedEpisodes,
    PolicyGap,
    Promise,
    TemperatureOnValidation,
)
from agents.gap.measure import (
    RESAMPLES,
    STATISTICS,
    WorldScores,
    ceiling,
    choice_interval,
    difference_interval,
    dream_interval,
    error_of_mean,
    error_of_noise,
    indifference,
    intervals,
)
from agents.run.agent_result import Evaluation
from worldvae.seeding import numpy_stream
from worldvae.stats import Array, Resampling, episode_interval, mean

HALF_WIDTH = 1.96
"""Standard errors on each side of a 95 % interval."""

LEAST_GROUP = 3
"""The fewest policies whose ranks are correlated; two are always in order or not."""


@dataclass(frozen=True)
class PlayedPair:
    """What one competitor played in both worlds."""

    competitor: Competitor
    real: PlayedEpisodes
    dream: PlayedEpisodes


def returns_of(pairs: Sequence[PlayedPair]) -> WorldScores:
    """Return the returns of each policy in both worlds."""
    return WorldScores.of(
        "returns",
        [pair.real.returns for pair in pairs],
        [pair.dream.returns for pair in pairs],
        [pair.dream.starts for pair in pairs],
    )


def lengths_of(pairs: Sequence[PlayedPair]) -> WorldScores:
    """Return the lengths of each policy's episodes in both worlds."""
    return WorldScores.of(
        "lengths",
        [pair.real.lengths for pair in pairs],
        [pair.dream.lengths for pair in pairs],
        [pair.dream.starts for pair in pairs],
    )


def agreement_of(scores: WorldScores, seed: int) -> Agreement:
    """Return how well the dream's scores agree with reality's."""
    resampling = _resampling(seed, scores.what)
    bounds = intervals(scores, resampling)
    real, dream = scores.means
    measured = {
        name: _measured(float(statistic(real, dream)), bounds[name])
        for name, statistic in STATISTICS.items()
    }
    return Agreement(
        **measured,
        choice=_measured(measured["relative_regret"].value, choice_interval(scores, resampling)),
        error_of_mean=error_of_mean(real),
        error_of_noise=error_of_noise(scores),
        spread=float(real.std()),
        indifference=indifference(scores.real),
        ceiling=ceiling(scores.real, numpy_stream(seed, "gap", "ceiling", scores.what)),
    )


def agreement_fields(pairs: Sequence[PlayedPair], seed: int) -> dict[str, Agreement | None]:
    """Return the fields of the report that say how the worlds agree."""
    old = [pair for pair in pairs if pair.competitor.collected_as]
    new = [pair for pair in pairs if not pair.competitor.collected_as]
    return {
        "returns": agreement_of(returns_of(pairs), seed),
        "lengths": agreement_of(lengths_of(pairs), seed),
        "collected": _agreement_of_group(old, seed),
        "not_collected": _agreement_of_group(new, seed),
    }


def _agreement_of_group(group: Sequence[PlayedPair], seed: int) -> Agreement | None:
    return agreement_of(returns_of(group), seed) if len(group) >= LEAST_GROUP else None


def policy_gap(pair: PlayedPair, seed: int) -> PolicyGap:
    """Return the row of one competitor, with the interval of its own difference."""
    resampling = _resampling(seed, pair.competitor.name)
    returns, lengths = returns_of([pair]), lengths_of([pair])
    return PolicyGap(
        name=pair.competitor.name,
        whose=pair.competitor.whose,
        collected_as=pair.competitor.collected_as,
        dreamer=pair.competitor.dreamer,
        real=pair.real,
        dream=pair.dream,
        real_return=_mean_of(returns.real, resampling),
        dream_return=_mean_of_dreams(returns, resampling),
        real_length=_mean_of(lengths.real, resampling),
        dream_length=_mean_of_dreams(lengths, resampling),
        flattery=_flattery(returns, resampling),
    )


def promise_of(agent: str, line: Evaluation, seed: int) -> Promise:
    """Return what the dream promised an agent at one evaluation, and what reality gave.

    Dreams of an evaluation that did not record where they began are taken to begin at as many
    frames.
    """
    resampling = _resampling(seed, f"{agent} {line.trained_steps}")
    starts = line.promised_starts or range(len(line.promised))
    returns = WorldScores.of("returns", [line.returns], [line.promised], [starts])
    return Promise(
        agent=agent,
        env_steps=line.trained_steps,
        real=_mean_of(returns.real, resampling),
        dream=_mean_of_dreams(returns, resampling),
        flattery=_flattery(returns, resampling),
        episodes=len(line.promised),
    )


def most_cautious(tried: Sequence[TemperatureOnValidation]) -> float:
    """Return the highest temperature with an error within one standard error of the least.

    The rule of Breiman et al. (1984): of what the data do not tell apart, take the safer one. Noise
    keeps an agent from exploiting a dream (Ha & Schmidhuber, 2018).
    """
    errors = [one.agreement.absolute_error for one in tried]
    least = min(errors, key=lambda error: error.value)
    limit = least.value + (least.high - least.low) / (2 * HALF_WIDTH)
    return max(one.temperature for one in tried if one.agreement.absolute_error.value <= limit)


def _mean_of_dreams(scores: WorldScores, resampling: Resampling) -> Measured:
    """Return the mean over one policy's dreams, with its interval over their starts."""
    return _measured(float(scores.dream.mean()), dream_interval(scores, resampling))


def _mean_of(episodes: Array, resampling: Resampling) -> Measured:
    """Return the mean over the episodes of one policy, (1, E), with its interval."""
    return _measured(float(episodes.mean()), episode_interval(episodes[0], mean, resampling))


def _flattery(scores: WorldScores, resampling: Resampling) -> Measured:
    """Return how much more one policy gets in the dream, with the interval over its episodes."""
    value = float(scores.dream.mean() - scores.real.mean())
    return _measured(value, difference_interval(scores, resampling))


def _measured(value: float, bounds: tuple[float, float]) -> Measured:
    return Measured(value=value, low=bounds[0], high=bounds[1])


def _resampling(seed: int, name: str) -> Resampling:
    return Resampling(numpy_stream(seed, "gap", "intervals", name), RESAMPLES)
