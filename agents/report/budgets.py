"""Compares two arms at one budget, and by the area under their curves of held-out scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.run.records import ENOUGH_SEEDS, AgentRecord, Run, RunArm
from worldvae.stats import Difference, Resampling, difference

UNITS = ("env_steps", "cpu_seconds")
"""The budgets at which pairs are compared: real env steps, and CPU seconds."""


@dataclass(frozen=True)
class EqualBudget:
    """Two arms at the largest cost, charge included, that all agents of both were evaluated at.

    The evaluations during training alone are read: beside them the final one has a finished
    learning rate, which the other arm, still before its end, would lack.
    """

    budget: float
    difference: Difference
    """The first arm's scores less those of the second, on straight lines between evaluations."""


def equal_budget(
    first: RunArm, second: RunArm, unit: str, resampling: Resampling
) -> EqualBudget | None:
    """Compare two arms, of one run or of two, at an equal number of `unit`, one of `UNITS`.

    None if it was not measured, or a seed was not yet evaluated at that cost.
    """
    curves = [
        [
            _curve(agent, unit, run.of_seed(agent.seed).charged(arm, unit))
            for agent in _finished(run, arm)
        ]
        for run, arm in (first, second)
    ]
    if min(map(len, curves)) < ENOUGH_SEEDS or not all(c.size for arm in curves for c in arm):
        return None
    budget = min(float(curve[0, -1]) for arm in curves for curve in arm)
    a, b = (
        np.array([np.interp(budget, cost, score, left=np.nan) for cost, score in arm])
        for arm in curves
    )
    if not np.isfinite([*a, *b]).all():
        return None
    return EqualBudget(budget, difference(a, b, resampling))


def areas(run: Run, arm: str) -> dict[int, float]:
    """Return seed -> area under the curve of held-out scores over the steps of training.

    It is divided by the steps from the first evaluation to the last one, so it is a mean score.
    Agents that were evaluated once only are left out, and what was charged before training or for
    refits. The steps of an arm that trains in dreams are dreamed.
    """
    found = dict[int, float]()
    for agent in _finished(run, arm):
        steps, scores = np.array([*agent.learning]), np.array([*agent.learning.values()])
        if len(steps) > 1:
            found[agent.seed] = float(np.trapezoid(scores, steps) / (steps[-1] - steps[0]))
    return found


def area_difference(
    first: dict[int, float], second: dict[int, float], resampling: Resampling
) -> Difference | None:
    """Return the difference of two arms' areas; None with few seeds."""
    if min(len(first), len(second)) < ENOUGH_SEEDS:
        return None
    return difference(list(first.values()), list(second.values()), resampling)


def _finished(run: Run, arm: str) -> list[AgentRecord]:
    return [agent for agent in run.of(arm) if agent.result]


def _curve(agent: AgentRecord, unit: str, charged: float | None) -> NDArray[np.float64]:
    """Return cost and score of each evaluation during training: (2, P); P is 0 if unmeasured."""
    points = [] if charged is None else agent.points(agent.measured_in_training, unit)
    costs, scores = np.array(points, dtype=np.float64).reshape(-1, 2).T
    return np.array([costs + (charged or 0), scores])
