"""The units of vectors beside the frame: with them, each of their numbers is about N(0, 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldvae.config import LARGEST_NUMBER
from worldvae.dynamics.dynamics_files import KeyUnits
from worldvae.errors import ArtifactError
from worldvae.rollouts import Record, RecordedKey, RolloutStore

SMALLEST_STD_SHARE = 1e-6
"""Least deviation of a number, as a share of its largest value; below it, it is rounding."""

NEGLIGIBLE = 1e-20
"""Least deviation of a number, in whatever units; one that never changes has deviation 1."""

SHARE_TOLERANCE = 1e-3
"""Difference of two shares or variances that are one, of which float32 has added up many."""


def measure_keys(store: RolloutStore, records: Sequence[Record]) -> tuple[KeyUnits, ...]:
    """Return mean and deviation of each key that `store` records over the episodes `records`.

    What is shown after a termination is left out. Raises ArtifactError if there are keys but no
    episodes, or if a number is none or beyond all measure.
    """
    if not store.recorded_keys:
        return ()
    if not records:
        raise ArtifactError(f"{store.folder}: no training episode to measure the keys by")
    every = [_seen(store, record) for record in records]
    return tuple(
        _measure(store, key, [keys[key.name] for keys in every]) for key in store.recorded_keys
    )


def standardised(
    keys: Mapping[str, NDArray[Any]], units: Sequence[KeyUnits], count: int
) -> NDArray[np.float32]:
    """Return all `keys` (count, d) in their units, joined in the order of `units`: (count, X)."""
    parts = [in_units(keys[key.name], key) for key in units]
    return np.concatenate([np.zeros((count, 0), np.float32), *parts], axis=1)


def in_units(values: NDArray[Any], key: KeyUnits) -> NDArray[np.float32]:
    """Return values (..., d) of a key minus its mean, by its deviation."""
    mean, std = np.array(key.mean, np.float32), np.array(key.std, np.float32)
    numbers: NDArray[np.float32] = (np.asarray(values, np.float32) - mean) / std
    return numbers


def is_choice(key: KeyUnits) -> bool:
    """Tell whether a key is one-hot, as a Discrete one is, by its bounds and units alone.

    A number from 0 to 1 whose variance is that of a coin is nothing but 0 or 1; `measure_keys`
    gives one that never changes the deviation 1. Of choices, the shares add up to 1.
    """
    mean, std = np.array(key.mean), np.array(key.std)
    has_bounds = [*map(float, key.bounds.low)] == [0.0] * key.size
    has_bounds &= [*map(float, key.bounds.high)] == [1.0] * key.size
    variance = np.where((std == 1) & ((mean == 0) | (mean == 1)), 0, std**2)
    is_binary = np.abs(variance - mean * (1 - mean)).max() < SHARE_TOLERANCE
    return bool(key.size > 1 and has_bounds and is_binary and abs(mean.sum() - 1) < SHARE_TOLERANCE)


def choices_of(keys: Sequence[KeyUnits]) -> tuple[slice, ...]:
    """Return where the `keys` that are one-hot lie among all their numbers."""
    stops = np.cumsum([key.size for key in keys]).tolist()
    parts = [slice(stop - key.size, stop) for key, stop in zip(keys, stops, strict=True)]
    return tuple(part for key, part in zip(keys, parts, strict=True) if is_choice(key))


def _seen(store: RolloutStore, record: Record) -> dict[str, NDArray[np.float32]]:
    stop = record.length + (not record.terminated)
    return {name: values[:stop] for name, values in store.keys(record).items()}


def _measure(
    store: RolloutStore, key: RecordedKey, episodes: list[NDArray[np.float32]]
) -> KeyUnits:
    values = np.concatenate(episodes).astype(np.float64)
    if not (np.abs(values) <= LARGEST_NUMBER).all():  # nor NaN
        raise ArtifactError(
            f"{store.folder}: the key {key.name} is not always a number of at most "
            f"{LARGEST_NUMBER:g}; collect into another folder once the environment shows one"
        )
    mean, std = values.mean(0), values.std(0)
    std = np.where(std > SMALLEST_STD_SHARE * np.abs(values).max(0) + NEGLIGIBLE, std, 1)
    units = {"mean": tuple(mean.tolist()), "std": tuple(std.tolist())}
    return KeyUnits(name=key.name, bounds=key.bounds, **units)
