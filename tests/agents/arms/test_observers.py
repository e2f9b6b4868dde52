"""What observers show, from numbers alone."""

from __future__ import annotations

import numpy as np
import pytest

from agents.arms.observers import StateObserver, state_units
from worldvae.wrappers.observer import Moment


def shown(states: np.ndarray) -> np.ndarray:
    """The standardised states (T, N, S) of a training, of which nothing is known at first."""
    observer = StateObserver(1, state_units(states.shape[2]), learns=True)
    starts, found = np.ones(states.shape[1], bool), []
    frames = np.zeros((states.shape[1], 2, 2, 1), np.uint8)
    for state in states:
        found.append(observer.begin(Moment(frames, state=state), starts))
    return np.array(found)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_a_state_is_standardised_alike_in_any_unit(unit: float) -> None:
    states = np.random.default_rng(0).normal(3.0, 2.0, size=(50, 4, 2))
    found, plain = shown(states * unit), shown(states)
    np.testing.assert_allclose(found, plain, rtol=1e-3, atol=1e-3)
    assert found[-20:].std() == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e-6, 123456.7])
def test_what_never_changes_is_shown_as_nothing(value: float) -> None:
    assert np.abs(shown(np.full((30, 4, 1), value))).max() < 0.1
