"""The statistics of a comparison: each arm alone, and the arms in pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from agents.report.budgets import EqualBudget, area_difference, areas, equal_budget
from agents.report.costs import ArmCosts, costs_of_arms
from agents.report.normalised import NormalisedComparison, compare_normalised
from agents.run.agent_result import AgentResult
from agents.run.records import ENOUGH_SEEDS, Run
from agents.run.stage_results import Cost
from worldvae.stats import (
    Array,
    Difference,
    Estimate,
    EvaluationNoise,
    Resampling,
    difference,
    episode_interval,
    estimate,
    evaluation_noise,
    interquartile_mean,
    mean,
    probability_of_improvement,
    success_difference,
    two_level_difference,
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
    areas: dict[int, float]
    """Seed -> area under its curve, see `agents.report.budgets.areas`."""
    returns: Array | None
    """Return of each seed and episode, (S, E); None if the seeds played different episodes."""
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

    @property
    def noise(self) -> EvaluationNoise | None:
        """What of the spread over seeds is noise of evaluation; None with one seed or episode."""
        if self.returns is None or min(self.returns.shape) < 2:
            return None
        return evaluation_noise(self.returns)


@dataclass(frozen=True)
class Pair:
    """`first` less `second` over their seeds; `first` has the higher mean."""

    first: str
    second: str
    is_primary: bool
    """Whether the comparison was declared before the run (`compare.primary`)."""
    by_success: bool
    """Whether `difference` is of success rates by an exact test, and not of returns by Welch's."""
    difference: Difference
    probability: Estimate
    both_levels: Estimate | None
    """The difference of returns with seeds and tracks resampled; None if the tracks differ."""
    area: Difference | None
    """The difference of the areas under the curves; None with few seeds."""
    at_equal_steps: EqualBudget | None
    at_equal_cpu: EqualBudget | None


@dataclass(frozen=True)
class Summary:
    """All statistics of a report; arms without a finished seed are left out."""

    arms: tuple[ArmSummary, ...]
    pairs: tuple[Pair, ...]
    primary: tuple[tuple[str, str], ...]
    """The comparisons that were declared before the run."""
    undecided: tuple[str, ...]
    """Those of them that lack an arm with a finished seed, in words."""
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
    arms = tuple(_arm(run, arm, resampling) for arm in run.arms if run.finished(arm))
    by_success = _reports_success(run)
    pairs = tuple(
        _pair(run, first, second, by_success, resampling)
        for first, second in combinations(arms, 2)
        if min(len(first.scores), len(second.scores)) >= ENOUGH_SEEDS
    )
    digits = _digits(value for arm in arms for value in arm.scores.values())
    normalised = compare_normalised([run], resampling)
    return Summary(
        arms=arms,
        pairs=pairs,
        primary=run.compare.primary,
        undecided=run.compare.undecided([arm.arm for arm in arms]),
        digits=digits,
        costs=costs_of_arms(run),
        normalised=normalised,
    )


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


def _arm(run: Run, arm: str, resampling: Resampling) -> ArmSummary:
    finished = run.finished(arm)
    results = list(finished.values())
    charge = run.charge(arm)
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
        areas=areas(run, arm),
        returns=_returns(results),
        acting=_acting(results, iqm, resampling),
        success_rates=tuple(
            rate for result in results if (rate := _success_rate(run, result)) is not None
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


def _returns(results: Sequence[AgentResult]) -> Array | None:
    """Return the returns of all seeds, (S, E), if they played the same episodes."""
    if len({result.evaluation.seeds for result in results}) > 1:
        return None
    return np.array([result.evaluation.returns for result in results])


def _success_rate(run: Run, result: AgentResult) -> float | None:
    """Return the share of successes, by the environment's word or by `compare.success_return`."""
    least = run.compare.success_return
    if (reported := result.evaluation.success_rate) is not None or least is None:
        return reported
    return float(np.mean(np.array(result.evaluation.returns) > least))


def _reports_success(run: Run) -> bool:
    """Return whether the success of every finished agent's episodes is known."""
    return bool(run.results) and all(_success_rate(run, r) is not None for r in run.results)


def _pair(run: Run, a: ArmSummary, b: ArmSummary, by_success: bool, resampling: Resampling) -> Pair:
    if by_success:
        found = success_difference(a.success_rates, b.success_rates, resampling)
    else:
        found = difference(a.values, b.values, resampling)
    if found.value < 0:
        return _pair(run, b, a, by_success, resampling)
    return Pair(
        first=a.arm,
        second=b.arm,
        is_primary=run.compare.is_primary(a.arm, b.arm),
        by_success=by_success,
        difference=found,
        probability=probability_of_improvement(a.values, b.values, resampling),
        both_levels=_both_levels(run, a, b, resampling),
        area=area_difference(a.areas, b.areas, resampling),
        at_equal_steps=equal_budget(run, a.arm, b.arm, "env_steps", resampling),
        at_equal_cpu=equal_budget(run, a.arm, b.arm, "cpu_seconds", resampling),
    )


def _both_levels(run: Run, a: ArmSummary, b: ArmSummary, resampling: Resampling) -> Estimate | None:
    seeds = {run.finished(arm.arm)[min(arm.scores)].evaluation.seeds for arm in (a, b)}
    if a.returns is None or b.returns is None or len(seeds) > 1:
        return None
    return two_level_difference(a.returns, b.returns, resampling)


def _digits(values: Iterable[float]) -> int:
    largest = max((abs(value) for value in values), default=0.0)
    return sum(largest < limit for limit in (100, 10, 1))
