"""What a linear map can predict one step ahead: the least that is asked of learned dynamics.

Shapes: B decisions, D numbers of a code, A of an action, F features.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from worldvae.diagnostics.fidelity.metrics.bootstrap import (
    LEAST_DIVISOR,
    EpisodeBootstrap,
    Interval,
)
from worldvae.diagnostics.fidelity.windows import Flags, Windows
from worldvae.json_files import Content
from worldvae.stats import Array

ACTIONS_TELL = 0.02
"""A linear map has to save at least this share of its error by knowing the action, before dreams
that do not are blamed: below, the environment itself may hardly mind."""

PENALTY = 1e-2
"""Of ridge regression from standardised features."""

MOST_PRODUCTS = 2_000
"""Products of codes and actions are features as far as there are no more of them."""


class LinearReference(Content):
    """Ridge regressions from codes and actions, fitted in training, scored on held-out windows."""

    action_gain: Interval = Field(
        description="Share of the error in the next code that is saved by knowing the action."
    )
    reward_r2: float | None = Field(description="Of the reward; None where it is constant.")
    reward_deviation: float | None = Field(
        None, description="Of rewards in training; 0 where these are constant."
    )
    end_skill: float | None = Field(
        description="Brier skill for ends, over their rate; None where nothing ends."
    )

    @property
    def actions_tell(self) -> bool:
        """Whether actions are known to matter for what follows."""
        return self.action_gain.least >= ACTIONS_TELL


@dataclass(frozen=True)
class _Wanted:
    """What is predicted: `values` (B, n) at the B decisions of which `rows` (W, T) is true."""

    rows: Flags
    values: Array


def measure_reference(train: Windows, held_out: Windows, seed: int) -> LinearReference:
    """Predict the change of the code without and with the action, the reward and the end."""
    changes, events = _changes(held_out), _events(held_out)
    blind, told = (
        _errors(train, held_out, _changes, with_actions) for with_actions in (False, True)
    )
    owners = np.repeat(held_out.episodes, changes.rows.sum(1))
    bootstrap = EpisodeBootstrap.of(owners, seed)
    ratio = bootstrap.draws(told.sum(1, keepdims=True), blind.sum(1, keepdims=True))
    error = _errors(train, held_out, _events, with_actions=True).mean(0)
    variance = events.values.var(0)
    reward, end = (
        1 - float(wrong / usual) if usual > LEAST_DIVISOR else None
        for wrong, usual in zip(error, variance, strict=True)
    )
    return LinearReference(
        action_gain=bootstrap.interval(1 - ratio[:, 0]),
        reward_r2=reward,
        reward_deviation=_deviation(_events(train).values[:, 0]),
        end_skill=end,
    )


def _deviation(values: Array) -> float:
    """Return the deviation of values (B,), 0 if rounding alone may cause it."""
    deviation = float(values.std())
    return deviation if deviation > 1e-6 * float(np.abs(values).max()) else 0.0


def _changes(windows: Windows) -> _Wanted:
    """Return the change of the code, which no decision has that ends an episode."""
    rows = windows.valid & ~windows.terminated
    return _Wanted(rows, np.diff(windows.codes.astype(np.float64), axis=1)[rows])


def _events(windows: Windows) -> _Wanted:
    """Return the reward and the end of the decisions after the start."""
    rows = windows.valid.copy()
    rows[:, : windows.past] = False
    both = np.stack([windows.rewards[rows], windows.terminated[rows]], axis=1)
    return _Wanted(rows, both.astype(np.float64))


def _errors(
    train: Windows, held_out: Windows, of: Callable[[Windows], _Wanted], with_actions: bool
) -> Array:
    """Return the squared errors of what is wanted of the held-out windows: (B, n)."""
    known, wanted = of(train), of(held_out)
    x, y = _features(train, known.rows, with_actions), known.values
    centre, scale = x.mean(0), x.std(0)
    scale = np.where(scale > 1e-6, scale, np.inf)
    unit = (x - centre) / scale
    covariance = unit.T @ unit / len(unit) + PENALTY * np.eye(unit.shape[1])
    weights = np.linalg.solve(covariance, unit.T @ (y - y.mean(0)) / len(unit))
    found = (_features(held_out, wanted.rows, with_actions) - centre) / scale @ weights + y.mean(0)
    return np.asarray(np.square(found - wanted.values))


def _features(windows: Windows, rows: Flags, with_actions: bool) -> Array:
    """Return codes, and with actions these and the products of both: (B, F)."""
    codes = np.asarray(windows.codes[:, :-1][rows], np.float64)
    if not with_actions:
        return codes
    actions = windows.actions[rows].astype(np.float64)
    if codes.shape[1] * actions.shape[1] > MOST_PRODUCTS:
        return np.hstack([codes, actions])
    products = (codes[:, :, None] * actions[:, None]).reshape(len(codes), -1)
    return np.hstack([codes, actions, products])
