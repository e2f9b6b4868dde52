"""Dreams that end go on as others, so that what is compared goes on as well."""

from __future__ import annotations

import math

import numpy as np

from tests.diagnostics.fidelity.worlds import MOVES, NOISE, RATE, SHRINK, LinearDynamics
from worldvae.diagnostics.fidelity.dreams import DreamSamples, dream
from worldvae.diagnostics.fidelity.windows import Windows

WINDOWS, HORIZON = 200, 48


def dreamed(hazard: float) -> DreamSamples:
    """Dreams from the origin, in which nobody acts and ends do not depend on where they are."""
    logit = math.log(hazard / (1 - hazard)) if hazard else -math.inf
    model = LinearDynamics(foresees_ends=False, end_shift=logit - RATE)
    shape = WINDOWS, HORIZON
    windows = Windows(
        codes=np.zeros((WINDOWS, HORIZON + 1, 2), np.float32),
        actions=np.zeros((*shape, len(MOVES)), np.float32),
        rewards=np.zeros(shape, np.float32),
        terminated=np.zeros(shape, bool),
        valid=np.ones(shape, bool),
        state=np.zeros((WINDOWS, HORIZON + 1, 0)),
        episodes=np.arange(WINDOWS),
        policies=np.full(WINDOWS, "random"),
        past=0,
    )
    return dream(model, windows, windows.actions, seed=0)


def test_dreams_stay_as_wide_as_they_are_though_some_end() -> None:
    """Were the first that have not ended to stand in for all, they would soon be few."""
    expected = NOISE**2 * np.cumsum(SHRINK ** (2 * np.arange(HORIZON)))
    for hazard, least in ((0.0, 0.92), (0.05, 0.86), (0.1, 0.78)):
        variance = dreamed(hazard).codes.var(axis=1, ddof=1).mean(axis=(0, 2))
        share = variance / expected
        assert least < share.min() <= share.max() < 1.05, hazard


def test_noise_does_not_depend_on_what_ends_elsewhere() -> None:
    """So that dreams with and without actions can be compared one by one."""
    endless, ending = dreamed(0.0), dreamed(0.001)
    without = ~ending.ended.any(axis=(1, 2))
    assert 0.4 < without.mean() < 0.9
    np.testing.assert_array_equal(endless.codes[without], ending.codes[without])
