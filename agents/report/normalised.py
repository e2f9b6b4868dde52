"""Compares arms over one or several environments on normalised scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from agents.config.sections import CompareConfig
from agents.run.agent_result import AgentResult
from agents.run.records import ENOUGH_SEEDS, Run
from worldvae.stats import (
    Array,
    Difference,
    Estimate,
    Resampling,
    interquartile_mean_of_tasks,
    mean_of_tasks,
    median_of_tasks,
    normalise,
    optimality_gap,
    stratified_difference,
    stratified_estimate,
    stratified_improvement,
)

AGGREGATES = {
    "IQM": interquartile_mean_of_tasks,
    "mean": mean_of_tasks,
    "median": median_of_tasks,
    "optimality gap": optimality_gap,
}
"""The aggregates of Agarwal et al. (2021); a lower optimality gap is better."""


@dataclass(frozen=True)
class NormalisedArm:
    """One arm in all environments: its normalised scores, and their aggregates."""

    arm: str
    scores: Mapping[str, Mapping[int, float]]
    """Gymnasium id -> seed -> normalised score."""
    aggregates: Mapping[str, Estimate]

    @property
    def tasks(self) -> dict[str, Array]:
        """Gymnasium id -> normalised scores (S_m,)."""
        return {env: np.array(list(seeds.values())) for env, seeds in self.scores.items()}


@dataclass(frozen=True)
class NormalisedPair:
    """`first` less `second` over their seeds; `first` has the higher mean."""

    first: str
    second: str
    is_primary: bool
    """Whether the comparison was declared before the run (`compare.primary`)."""
    difference: Difference
    probability: Estimate
    by_success: bool = False
    """Normalised scores are returns, so none is compared by its success rate."""


@dataclass(frozen=True)
class NormalisedComparison:
    """Arms with a finished agent in every environment, and pairs with enough seeds of each."""

    arms: tuple[NormalisedArm, ...]
    pairs: tuple[NormalisedPair, ...]


def compare_normalised(runs: Sequence[Run], resampling: Resampling) -> NormalisedComparison | None:
    """Compare the arms of `runs`, each run in another environment.

    None if no arm has a finished agent in each run, or if the configuration states no scale for an
    environment.
    """
    if not runs or not all(run.results and _scale_known(run) for run in runs):
        return None
    names = [arm for arm in runs[0].arms if all(run.finished(arm) for run in runs)]
    if not names:
        return None
    arms = tuple(_arm(arm, runs, resampling) for arm in names)
    declared = declared_in_all(runs)
    pairs = (_pair(declared, *both, resampling) for both in combinations(arms, 2))
    return NormalisedComparison(arms, tuple(pair for pair in pairs if pair))


def declared_in_all(runs: Sequence[Run]) -> CompareConfig:
    """Return the configuration of `runs` with what was declared in time in each of them."""
    first = runs[0].compare
    primary = [pair for pair in first.primary if all(r.compare.is_primary(*pair) for r in runs)]
    return first.model_copy(update={"primary": tuple(primary)})


def _scale_known(run: Run) -> bool:
    return all(result.evaluation.env_id in run.compare.envs for result in run.results)


def _arm(arm: str, runs: Sequence[Run], resampling: Resampling) -> NormalisedArm:
    scores = {
        run.results[0].evaluation.env_id: {
            seed: _normalised(run, result) for seed, result in run.finished(arm).items()
        }
        for run in runs
    }
    tasks = [list(seeds.values()) for seeds in scores.values()]
    aggregates = {
        name: stratified_estimate(tasks, statistic, resampling)
        for name, statistic in AGGREGATES.items()
    }
    return NormalisedArm(arm, scores, aggregates)


def _normalised(run: Run, result: AgentResult) -> float:
    scale = run.compare.envs[result.evaluation.env_id]
    return float(normalise([result.score], scale.random_score, scale.reference_score)[0])


def _pair(
    compare: CompareConfig, first: NormalisedArm, second: NormalisedArm, resampling: Resampling
) -> NormalisedPair | None:
    if min(len(seeds) for arm in (first, second) for seeds in arm.tasks.values()) < ENOUGH_SEEDS:
        return None
    difference = stratified_difference(first.tasks, second.tasks, resampling)
    if difference.value < 0:
        return _pair(compare, second, first, resampling)
    return NormalisedPair(
        first.arm,
        second.arm,
        compare.is_primary(first.arm, second.arm),
        difference,
        stratified_improvement(first.tasks, second.tasks, resampling),
    )
