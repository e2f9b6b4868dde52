"""What a linear map can predict one step ahead: the least that is asked of learned dynamics.

Shapes: B decisions, D numbers of a code, A of an action, F features.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from worldvae.config import Config
from worldvae.diagnostics.fidelity.metrics.bootstrap import LEAST, EpisodeBootstrap, Interval
from worldvae.diagnostics.fidelity.windows import Flags, Windows
from worldvae.stats import Array

ACTIONS_TELL = 0.02
"""A linear map has to save at least this share of its error by knowing the action, before dreams
that do not are blamed: below, the environment itself may hardly mind."""

PENALTY = 1e-2
"""Of ridge regression from standardised features."""

MOST_PRODUCTS = 2_000
"""Products of codes and actions are features as far as there are no more of them."""


class LinearReference(Config):
    """Ridge regressions from codes and actions, fitted in training, scored on held-out windows."""

    action_gain: Interval = Field(
        description="Share of the error in the next code that is saved by knowing the action."
    )
    reward_r2: float | None = Field(description="Of the reward; None where it is constant.")


def measure_reference(train: Windows, held_out: Windows, seed: int) -> LinearReference:
    """Predict the change of the code without and with the action, and the reward."""
    blind = _errors(train, held_out, with_actions=False)
    told = _errors(train, held_out, with_actions=True)
    owners = np.repeat(held_out.episodes, _usable(held_out).sum(1))
    bootstrap = EpisodeBootstrap.of(owners, seed)
    ratio = bootstrap.draws(told[:, :-1].sum(1, keepdims=True), blind[:, :-1].sum(1, keepdims=True))
    rewards = _rewards(held_out)
    variance = float(rewards.var())
    return LinearReference(
        action_gain=bootstrap.interval(1 - ratio[:, 0]),
        reward_r2=1 - float(told[:, -1].mean()) / variance if variance > LEAST else None,
    )


def _errors(train: Windows, held_out: Windows, with_actions: bool) -> Array:
    """Return the squared errors of the next code and of the reward: (B, D + 1)."""
    x, y = _features(train, with_actions), _targets(train)
    centre, scale = x.mean(0), x.std(0)
    scale = np.where(scale > 1e-6, scale, np.inf)
    unit = (x - centre) / scale
    covariance = unit.T @ unit / len(unit) + PENALTY * np.eye(unit.shape[1])
    weights = np.linalg.solve(covariance, unit.T @ (y - y.mean(0)) / len(unit))
    found = (_features(held_out, with_actions) - centre) / scale @ weights + y.mean(0)
    return np.asarray(np.square(found - _targets(held_out)))


def _features(windows: Windows, with_actions: bool) -> Array:
    """Return codes, and with actions these and the products of both: (B, F)."""
    usable = _usable(windows)
    codes = np.asarray(windows.codes[:, :-1][usable], np.float64)
    if not with_actions:
        return codes
    actions = windows.actions[usable].astype(np.float64)
    if codes.shape[1] * actions.shape[1] > MOST_PRODUCTS:
        return np.hstack([codes, actions])
    products = (codes[:, :, None] * actions[:, None]).reshape(len(codes), -1)
    return np.hstack([codes, actions, products])


def _targets(windows: Windows) -> Array:
    """Return the change of the code, and the reward: (B, D + 1)."""
    change = np.diff(windows.codes.astype(np.float64), axis=1)[_usable(windows)]
    return np.hstack([change, _rewards(windows)[:, None]])


def _rewards(windows: Windows) -> Array:
    return np.asarray(windows.rewards[_usable(windows)], np.float64)


def _usable(windows: Windows) -> Flags:
    return np.asarray(windows.valid & ~windows.terminated)
