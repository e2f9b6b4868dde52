"""What the page knows of the vectors beside the frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from agents.explore.contents import KeyFacts
from worldvae.dynamics.dynamics_files import KeyUnits
from worldvae.dynamics.model import Dynamics

SAME = 1e-3
"""Difference of two shares or variances that are one, of which float32 has added up many."""


def key_facts(dynamics: Dynamics, keys: Sequence[KeyUnits]) -> Iterator[KeyFacts]:
    """Yield the units of each key, its range as dreams know it, and what of it is worth showing."""
    low, high = dynamics.key_range.tolist()
    changes = dynamics.usual_key_changes.tolist()
    first = 0
    for key in keys:
        part = slice(first, first + key.size)
        first += key.size
        yield KeyFacts(
            name=key.name,
            mean=key.mean,
            std=key.std,
            low=low[part],
            high=high[part],
            steps=tuple(_steps(key, changes[part])),
            is_choice=is_choice(key),
        )


def _steps(key: KeyUnits, changes: Sequence[float]) -> Iterator[float]:
    """Yield the usual change of each number in its own unit, given in its deviations.

    Of what never changes in an episode it is a tenth of its size.
    """
    for change, mean, std in zip(changes, key.mean, key.std, strict=True):
        yield std * change or abs(mean) / 10


def is_choice(key: KeyUnits) -> bool:
    """Tell whether a key is one-hot, as a Discrete one is, by its bounds and units alone.

    A number from 0 to 1 whose variance is that of a coin is nothing but 0 or 1; `measure_keys`
    gives one that never changes the deviation 1. Of choices, the shares add up to 1.
    """
    mean, std = np.array(key.mean), np.array(key.std)
    has_bounds = [*map(float, key.bounds.low)] == [0.0] * key.size
    has_bounds &= [*map(float, key.bounds.high)] == [1.0] * key.size
    variance = np.where((std == 1) & ((mean == 0) | (mean == 1)), 0, std**2)
    is_binary = np.abs(variance - mean * (1 - mean)).max() < SAME
    return bool(key.size > 1 and has_bounds and is_binary and abs(mean.sum() - 1) < SAME)
