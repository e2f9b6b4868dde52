"""The statistics of two arms, of one run or of two."""

from __future__ import annotations

from dataclasses import dataclass

from agents.report.arm_summary import ArmSummary
from agents.report.budgets import EqualBudget, area_difference, equal_budget
from agents.run.records import Run, RunArm
from worldvae.stats import (
    Difference,
    Estimate,
    Resampling,
    difference,
    probability_of_improvement,
    success_difference,
    two_level_difference,
)


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
    """The difference of the areas under the curves; None with few seeds, or if `one_dreams`."""
    one_dreams: bool
    """Whether the training steps of one are dreamed and those of the other real."""
    at_equal_steps: EqualBudget | None
    at_equal_cpu: EqualBudget | None


@dataclass(frozen=True)
class Side:
    """One side of a pair: an arm of a run, and how it is called."""

    run: Run
    summary: ArmSummary
    name: str = ""
    """What a claim calls it; empty: its arm."""

    @property
    def called(self) -> str:
        """The name, or the arm where there is none."""
        return self.name or self.summary.arm

    @property
    def arm(self) -> RunArm:
        """The arm in its run."""
        return RunArm(self.run, self.summary.arm)

    @property
    def episodes(self) -> tuple[int, ...]:
        """The seeds of the episodes on which its first agent was scored."""
        finished = self.run.finished(self.summary.arm)
        return finished[min(self.summary.scores)].evaluation.seeds


def compare_pair(a: Side, b: Side, by_success: bool, resampling: Resampling) -> Pair:
    """Compare two arms of one run, or of two; the one of the higher mean becomes the first.

    A comparison across runs was never declared.
    """
    first, second = a.summary, b.summary
    if by_success:
        found = success_difference(first.success_rates, second.success_rates, resampling)
    else:
        found = difference(first.values, second.values, resampling)
    if found.value < 0:
        return compare_pair(b, a, by_success, resampling)
    one_dreams = bool(first.dreamed) != bool(second.dreamed)
    return Pair(
        first=a.called,
        second=b.called,
        is_primary=a.run is b.run and a.run.compare.is_primary(first.arm, second.arm),
        by_success=by_success,
        difference=found,
        probability=probability_of_improvement(first.values, second.values, resampling),
        both_levels=_both_levels(a, b, resampling),
        area=None if one_dreams else area_difference(first.areas, second.areas, resampling),
        one_dreams=one_dreams,
        at_equal_steps=equal_budget(a.arm, b.arm, "env_steps", resampling),
        at_equal_cpu=equal_budget(a.arm, b.arm, "cpu_seconds", resampling),
    )


def _both_levels(a: Side, b: Side, resampling: Resampling) -> Estimate | None:
    first, second = a.summary.returns, b.summary.returns
    if first is None or second is None or a.episodes != b.episodes:
        return None
    return two_level_difference(first, second, resampling)
