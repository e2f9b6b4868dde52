"""The statistics of a comparison: each arm alone, and the arms in pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from agents.report.arm_summary import ArmSummary, summarise_arm
from agents.report.costs import ArmCosts, costs_of_arms
from agents.report.decimals import Decimals
from agents.report.normalised import NormalisedComparison, compare_normalised
from agents.report.pair import Pair, Side, compare_pair
from agents.report.success import SuccessRule
from agents.run.agent_result import AgentResult
from agents.run.declared import Declared
from agents.run.records import ENOUGH_SEEDS, Run
from worldvae.stats import Resampling


@dataclass(frozen=True)
class Summary:
    """All statistics of a report; arms without a finished seed are left out."""

    arms: tuple[ArmSummary, ...]
    pairs: tuple[Pair, ...]
    declared: Declared
    undecided: tuple[str, ...]
    """Those of them that lack an arm with a finished seed, in words."""
    decimals: Decimals
    costs: tuple[ArmCosts, ...]
    normalised: NormalisedComparison | None
    """The comparison on normalised scores; None if the configuration states no scale."""

    def show(self, value: float) -> str:
        """Format a score with the decimal places of this summary."""
        return self.decimals.show(value)

    def interval(self, low: float, high: float) -> str:
        """Format an interval, as in "1.2 to 3.4"; "no interval" if `low` is not finite."""
        return self.decimals.interval(low, high)


def summarise(run: Run, resampling: Resampling) -> Summary:
    """Compute the statistics of the finished agents of `run`."""
    success = SuccessRule.of(run)
    arms = tuple(
        summarise_arm(run, arm, success, resampling) for arm in run.arms if run.finished(arm)
    )
    pairs = tuple(
        compare_pair(Side(run, first), Side(run, second), success.is_known, resampling)
        for first, second in combinations(arms, 2)
        if min(len(first.scores), len(second.scores)) >= ENOUGH_SEEDS
    )
    normalised = compare_normalised([run], resampling)
    return Summary(
        arms=arms,
        pairs=pairs,
        declared=run.declared,
        undecided=run.compare.undecided([arm.arm for arm in arms]),
        decimals=Decimals.of(arms),
        costs=costs_of_arms(run),
        normalised=normalised,
    )


def unequal(results: Sequence[AgentResult]) -> list[str]:
    """Return what differs between finished agents although a comparison must hold it equal."""
    controlled: dict[str, Callable[[AgentResult], object]] = {
        "the evaluation episodes": lambda result: result.evaluation.seeds,
        "the evaluation environment": lambda result: result.evaluation.env_id,
        # An agent trains in reality or in a dream; 0 steps of the other kind are no difference.
        "the env steps of training": lambda result: result.env_steps or None,
        "the dreamed steps of training": lambda result: result.dreamed_steps or None,
    }
    differing = [name for name, value in controlled.items() if _differs(map(value, results))]
    packages = [name for name in _packages(results) if _differs(_versions(results, name))]
    software = f"the versions of the software ({', '.join(packages)})"
    return [*differing, software] if packages else differing


def _packages(results: Sequence[AgentResult]) -> list[str]:
    """Return the names of all software that any of the agents was made with."""
    return list(dict.fromkeys(name for result in results for name in result.versions))


def _versions(results: Sequence[AgentResult], package: str) -> list[str]:
    return [result.versions.get(package, "none") for result in results]


def _differs(values: Iterable[object]) -> bool:
    return len({str(value) for value in values if value is not None}) > 1
