"""The statistics of a comparison: each arm alone, and the arms in pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from agents.report.costs import ArmCosts, costs_of_arms
from agents.report.normalised import NormalisedComparison, compare_normalised
from agents.run.agent_result import AgentResult
from agents.run.load import curve
from agents.run.records import ENOUGH_SEEDS, AgentRecord, Run
from agents.run.stage_results import Cost
from worldvae.stats import (
    Array,
    Difference,
    Estimate,
    Resampling,
    detectable_difference,
    episode_interval,
    estimate,
    interquartile_mean,
    mean,
    paired_difference,
    probability_of_improvement,
)

ACTIONS = {False: "actions sampled", True: "mode of the policy"}
"""`FinalEvaluation.deterministic` -> how the agent chose its actions."""


@dataclass(frozen=True)
class ArmSummary:
    """The finished seeds of one arm; costs are means over its seeds."""

    arm: str
    scores: dict[int, float]
    iqm: Estimate
    within: tuple[float, float]
    """95 % interval of a single seed's score over its episodes; NaN if there are several seeds."""
    trained: Cost
    dreamed: int
    """Dreamed env steps of training."""
    charged: Cost
    parameters_trained: int
    parameters_frozen: int
    at_equal_steps: dict[int, float]
    """Seed -> score at the largest number of env steps, charge included, that every arm reached."""
    at_equal_seconds: dict[int, float]
    acting: dict[str, Estimate]
    """IQM of the same agents for each way of acting that was evaluated, named as in ACTIONS."""
    success_rates: tuple[float, ...] = ()
    """The share of successful episodes of each seed, where the environment reports success."""

    @property
    def values(self) -> Array:
        """The scores of the seeds, (S,)."""
        return np.array(list(self.scores.values()))

    @property
    def sd(self) -> float:
        """Standard deviation over seeds, n - 1 in the denominator."""
        return float(self.values.std(ddof=1)) if len(self.scores) > 1 else float("nan")

    @property
    def total(self) -> Cost:
        """The cost of training with its charge."""
        return self.trained + self.charged


@dataclass(frozen=True)
class Pair:
    """`first` minus `second` over their shared seeds; `first` has the higher mean."""

    first: str
    second: str
    difference: Difference
    probability: Estimate
    at_equal_steps: Difference | None
    at_equal_seconds: Difference | None
    detectable: float
    """The smallest true difference that these seeds would show, see `detectable_difference`."""


@dataclass(frozen=True)
class Summary:
    """All statistics of a report; arms without a finished seed are left out."""

    arms: tuple[ArmSummary, ...]
    pairs: tuple[Pair, ...]
    budget: Cost
    """The largest cost, charges included, that every finished agent reached."""
    digits: int
    """How many decimal places suit the size of the scores."""
    costs: tuple[ArmCosts, ...]
    normalised: NormalisedComparison | None
    """The comparison on normalised scores; None if the configuration states no scale."""

    def show(self, value: float) -> str:
        """Format a score with the decimal places of this summary."""
        return number(value, self.digits)

    def interval(self, low: float, high: float) -> str:
        """Format an interval, as in "1.2 to 3.4"; "no interval" if `low` is not finite."""
        return f"{self.show(low)} to {self.show(high)}" if np.isfinite(low) else "no interval"


def summarise(run: Run, resampling: Resampling) -> Summary:
    """Compute the statistics of the finished agents of `run`."""
    totals = [
        result.cost + run.charge(arm) for arm in run.arms for result in run.finished(arm).values()
    ]
    budget = Cost(
        min((total.env_steps for total in totals), default=0),
        min((total.seconds for total in totals), default=0.0),
    )
    arms = tuple(_arm(run, arm, budget, resampling) for arm in run.arms if run.finished(arm))
    pairs = tuple(
        _pair(first, second, resampling)
        for first, second in combinations(arms, 2)
        if len(first.scores.keys() & second.scores.keys()) >= ENOUGH_SEEDS
    )
    digits = _digits(value for arm in arms for value in arm.scores.values())
    normalised = compare_normalised([run], resampling)
    return Summary(arms, pairs, budget, digits, costs_of_arms(run), normalised)


def unequal(run: Run) -> list[str]:
    """Return what differs between finished agents although a comparison must hold it equal."""
    results = [result for arm in run.arms for result in run.finished(arm).values()]
    controlled: dict[str, Callable[[AgentResult], object]] = {
        "the evaluation episodes": lambda result: result.evaluation.seeds,
        "the evaluation environment": lambda result: result.evaluation.env_id,
        # An agent trains in reality or in a dream; 0 steps of the other kind are no difference.
        "the env steps of training": lambda result: result.env_steps or None,
        "the dreamed steps of training": lambda result: result.dreamed_steps or None,
        "the versions of the software": lambda result: sorted(result.versions.items()),
    }
    return [name for name, value in controlled.items() if _differs(map(value, results))]


def _differs(values: Iterable[object]) -> bool:
    return len({str(value) for value in values if value is not None}) > 1


def number(value: float, digits: int) -> str:
    """Format a number for readers: "1,234", "-0.52", "0.00" but never "-0.00"; NaN is "n/a"."""
    return f"{value:z,.{digits}f}" if np.isfinite(value) else "n/a"


def _arm(run: Run, arm: str, budget: Cost, resampling: Resampling) -> ArmSummary:
    finished = run.finished(arm)
    results = list(finished.values())
    charge = run.charge(arm)
    remaining = Cost(budget.env_steps - charge.env_steps, budget.seconds - charge.seconds)
    agents = [agent for agent in run.of(arm) if agent.result]
    iqm = estimate([result.score for result in results], interquartile_mean, resampling)
    episodes = results[0].evaluation.returns if len(results) == 1 else None
    return ArmSummary(
        arm=arm,
        scores={seed: result.score for seed, result in finished.items()},
        iqm=iqm,
        within=episode_interval(episodes, mean, resampling) if episodes else (np.nan, np.nan),
        trained=Cost(
            round(np.mean([result.cost.env_steps for result in results])),
            float(np.mean([result.cost.seconds for result in results])),
        ),
        dreamed=round(np.mean([result.dreamed_steps for result in results])),
        charged=charge,
        parameters_trained=results[0].parameters_trained,
        parameters_frozen=results[0].parameters_frozen,
        at_equal_steps=_measured(
            {a.seed: _score_at(a, "env_steps", remaining.env_steps) for a in agents}
        ),
        at_equal_seconds=_measured(
            {a.seed: _score_at(a, "seconds", remaining.seconds) for a in agents}
        ),
        acting=_acting(results, iqm, resampling),
        success_rates=tuple(
            rate for result in results if (rate := result.evaluation.success_rate) is not None
        ),
    )


def _acting(
    results: Sequence[AgentResult], compared: Estimate, resampling: Resampling
) -> dict[str, Estimate]:
    """Return the IQM over seeds for each way of acting.

    `compared` is that of the compared scores.
    """
    estimates: dict[str, Estimate] = {}
    for deterministic, way in ACTIONS.items():
        if all(result.evaluation.deterministic is deterministic for result in results):
            estimates[way] = compared
        elif scores := [score for r in results if (score := r.score_as(deterministic)) is not None]:
            estimates[way] = estimate(scores, interquartile_mean, resampling)
    return estimates


def _score_at(agent: AgentRecord, unit: str, limit: float) -> float:
    """Return the held-out score at `limit`, linear between evaluations; NaN before the first."""
    points, scores = curve(agent, unit)
    return float(np.interp(limit, points, scores, left=np.nan))


def _measured(scores: dict[int, float]) -> dict[int, float]:
    return {seed: score for seed, score in scores.items() if np.isfinite(score)}


def _pair(first: ArmSummary, second: ArmSummary, resampling: Resampling) -> Pair:
    a, b = _shared(first.scores, second.scores)
    if a.mean() < b.mean():
        return _pair(second, first, resampling)
    return Pair(
        first=first.arm,
        second=second.arm,
        difference=paired_difference(a, b, resampling),
        probability=probability_of_improvement(first.values, second.values, resampling),
        at_equal_steps=_if_enough(first.at_equal_steps, second.at_equal_steps, resampling),
        at_equal_seconds=_if_enough(first.at_equal_seconds, second.at_equal_seconds, resampling),
        detectable=detectable_difference([a - b]),
    )


def _if_enough(
    first: dict[int, float], second: dict[int, float], resampling: Resampling
) -> Difference | None:
    a, b = _shared(first, second)
    return paired_difference(a, b, resampling) if len(a) >= ENOUGH_SEEDS else None


def _shared(first: dict[int, float], second: dict[int, float]) -> tuple[Array, Array]:
    """Return the scores of the seeds that both have, in the order of the seeds."""
    seeds = sorted(first.keys() & second.keys())
    return np.array([first[seed] for seed in seeds]), np.array([second[seed] for seed in seeds])


def _digits(values: Iterable[float]) -> int:
    largest = max((abs(value) for value in values), default=0.0)
    return sum(largest < limit for limit in (100, 10, 1))
