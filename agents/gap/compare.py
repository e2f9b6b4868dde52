"""Compares what policies achieved in both worlds: from played episodes to the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

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


def agreement(pairs: Sequence[PlayedPair], what: str, seed: int) -> Agreement:
    """Return how well the dream's `what`, "returns" or "lengths", agree with reality's."""
    real, dream = (_scores(pairs, world, what) for world in ("real", "dream"))
    resampling = _resampling(seed, what)
    starts = np.array([pair.dream.starts for pair in pairs], np.int64)
    bounds = intervals(real, dream, starts, resampling)
    means = real.mean(1), dream.mean(1)
    measured = {
        name: _measured(float(statistic(*means)), bounds[name])
        for name, statistic in STATISTICS.items()
    }
    return Agreement(
        **measured,
        choice=_measured(
            measured["relative_regret"].value, choice_interval(real, dream, starts, resampling)
        ),
        error_of_mean=error_of_mean(means[0]),
        error_of_noise=error_of_noise(real, dream, starts),
        spread=float(means[0].std()),
        indifference=indifference(real),
        ceiling=ceiling(real, numpy_stream(seed, "gap", "ceiling", what)),
    )


def agreements(pairs: Sequence[PlayedPair], seed: int) -> dict[str, Any]:
    """Return the fields of the report that say how the worlds agree."""
    old = [pair for pair in pairs if pair.competitor.collected_as]
    new = [pair for pair in pairs if not pair.competitor.collected_as]
    groups: Mapping[str, Sequence[PlayedPair]] = {"collected": old, "not_collected": new}
    return {
        "returns": agreement(pairs, "returns", seed),
        "lengths": agreement(pairs, "lengths", seed),
        **{
            name: agreement(group, "returns", seed) if len(group) >= LEAST_GROUP else None
            for name, group in groups.items()
        },
    }


def policy_gap(pair: PlayedPair, seed: int) -> PolicyGap:
    """Return the row of one competitor, with the interval of its own difference."""
    resampling = _resampling(seed, pair.competitor.name)
    real, dream, starts = pair.real, pair.dream, pair.dream.starts
    return PolicyGap(
        name=pair.competitor.name,
        whose=pair.competitor.whose,
        collected_as=pair.competitor.collected_as,
        dreamer=pair.competitor.dreamer,
        real=real,
        dream=dream,
        real_return=_mean_of(real.returns, resampling),
        dream_return=_mean_dreamed(dream.returns, starts, resampling),
        real_length=_mean_of(real.lengths, resampling),
        dream_length=_mean_dreamed(dream.lengths, starts, resampling),
        flattery=_flattery(real.returns, dream.returns, starts, resampling),
    )


def promise(agent: str, line: Evaluation, seed: int) -> Promise:
    """Return what the dream promised an agent at one evaluation, and what reality gave.

    An evaluation does not keep where its dreams began: they are taken to begin at as many frames.
    """
    resampling = _resampling(seed, f"{agent} {line.trained_steps}")
    return Promise(
        agent=agent,
        env_steps=line.trained_steps,
        real=_mean_of(line.returns, resampling),
        dream=_mean_of(line.promised, resampling),
        flattery=_flattery(line.returns, line.promised, range(len(line.promised)), resampling),
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


def _scores(pairs: Sequence[PlayedPair], world: str, what: str) -> Array:
    return np.array([getattr(getattr(pair, world), what) for pair in pairs], np.float64)


def _mean_of(values: Sequence[float], resampling: Resampling) -> Measured:
    """Return the mean over episodes, with its interval."""
    numbers = np.array(values, np.float64)
    return _measured(float(numbers.mean()), episode_interval(numbers, mean, resampling))


def _mean_dreamed(
    values: Sequence[float], starts: Sequence[int], resampling: Resampling
) -> Measured:
    """Return the mean over one policy's dreams, with its interval over their starts."""
    numbers = np.array(values, np.float64)
    bounds = dream_interval(numbers, np.array(starts, np.int64), resampling)
    return _measured(float(numbers.mean()), bounds)


def _flattery(
    real: Sequence[float], dream: Sequence[float], starts: Sequence[int], resampling: Resampling
) -> Measured:
    """Return how much more one policy gets in the dream, with the interval over its episodes."""
    played, dreamed = np.array(real, np.float64), np.array(dream, np.float64)
    bounds = difference_interval(played, dreamed, np.array(starts, np.int64), resampling)
    return _measured(float(dreamed.mean() - played.mean()), bounds)


def _measured(value: float, bounds: tuple[float, float]) -> Measured:
    return Measured(value=value, low=bounds[0], high=bounds[1])


def _resampling(seed: int, name: str) -> Resampling:
    return Resampling(numpy_stream(seed, "gap", "intervals", name), RESAMPLES)
