"""The statistics of one arm of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.report.budgets import areas
from agents.report.success import SuccessRule
from agents.run.agent_result import AgentResult
from agents.run.records import Run
from agents.run.stage_results import Cost
from worldvae.stats import (
    Array,
    Estimate,
    EvaluationNoise,
    Resampling,
    episode_interval,
    estimate,
    evaluation_noise,
    interquartile_mean,
    mean,
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
    """The share of successful episodes of each seed, where success is known."""

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


def summarise_arm(run: Run, arm: str, success: SuccessRule, resampling: Resampling) -> ArmSummary:
    """Compute the statistics of one arm, of which an agent at least has finished."""
    finished = run.finished(arm)
    results = list(finished.values())
    charge = run.known_charge(arm)
    iqm = estimate([result.score for result in results], interquartile_mean, resampling)
    episodes = results[0].evaluation.returns if len(results) == 1 else None
    return ArmSummary(
        arm=arm,
        scores={seed: result.score for seed, result in finished.items()},
        iqm=iqm,
        within=episode_interval(episodes, mean, resampling) if episodes else (np.nan, np.nan),
        trained=Cost.mean([result.cost for result in results]),
        dreamed=round(np.mean([result.dreamed_steps for result in results])),
        charged=charge,
        parameters_trained=results[0].parameters_trained,
        parameters_frozen=results[0].parameters_frozen,
        areas=areas(run, arm),
        returns=_returns(results),
        acting=_acting(results, iqm, resampling),
        success_rates=success.rates(*results),
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
