"""The classes of a change: the values that it has in training, or quantiles if they are many."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldvae.dynamics.known_values import KnownValues, log_shares

DECIMALS = 5, 12
"""Least and most decimals to which changes are told apart; numbers of about 1 have no more."""

CLASS_TOLERANCES = 0.02, 1e-7
"""Two classes are one if they differ by less: the share of their size, and what float32 rounds."""


@dataclass(frozen=True)
class ChangeClasses(KnownValues):
    """The classes (D, K) of the change of each of D numbers."""

    @classmethod
    def of(
        cls, numbers: Iterable[tuple[NDArray[np.float32], NDArray[np.float32]]], most: int
    ) -> ChangeClasses:
        """Return at most `most` classes, K, of each of D `numbers`.

        Of each number there are all of its changes (n,), and those of a part of the windows (m,),
        which are enough for quantiles.
        """
        values, shares = [], []
        for every, part in numbers:
            classes = _classes(every, part, most)
            values.append(torch.from_numpy(classes))
            shares.append(log_shares(nearest_counts(every, classes)))
        return cls(_table(values, most, math.nan), _table(shares, most, 0.0))

    def can_express(self, later: ChangeClasses) -> Tensor:
        """Tell of each number whether a head of these classes can predict the `later` ones: (D,).

        Quantiles express what lies between them, and as far beyond as their last gap; a few values
        express nothing but themselves.
        """
        pairs = zip(self.values, later.values, strict=True)
        return torch.tensor([_can_express(*pair) for pair in pairs])


def nearest_counts(
    numbers: NDArray[np.float32], values: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Count to which of the ascending `values` (K,) the numbers (n,) are nearest: (K,)."""
    between = (values[1:].astype(np.float64) + values[:-1]) / 2
    return np.bincount(np.searchsorted(between, numbers), minlength=len(values)).astype(np.float64)


def _table(rows: list[Tensor], columns: int, fill: float) -> Tensor:
    """Return `rows` of at most so many numbers, with `fill` in place of those that lack: (D, K)."""
    table = torch.full((len(rows), columns), fill)
    for row, numbers in zip(table, rows, strict=True):
        row[: len(numbers)] = numbers
    return table


def _classes(
    every: NDArray[np.float32], part: NDArray[np.float32], most: int
) -> NDArray[np.float32]:
    """Return the distinct values of `every` (n,), or quantiles if they are more than `most`.

    The quantiles are those of the `part` (m,), between the extremes of all; 0 alone if there are
    no values.
    """
    if not len(every):
        return np.zeros(1, np.float32)
    decimals = _decimals(every)
    # The part tells soon of most numbers that they have too many values.
    if len(np.unique(part.round(decimals))) <= most:
        distinct = np.unique(every.round(decimals))
        if len(distinct) <= most:
            return _means_near(distinct, every, decimals)
    quantiles = np.quantile(part if len(part) else every, np.linspace(0, 1, most - 1))
    quantiles[0], quantiles[-1] = every.min(), every.max()
    # No change at all is often its own event, such as no damage.
    return np.unique(np.append(quantiles, 0).round(decimals))


def _decimals(changes: NDArray[np.float32]) -> int:
    """Return how many decimals tell a hundredth of the size of changes (n,) apart, at least 5.

    The size is that of those that are not 0: what is rare is not small.
    """
    moved = changes[changes != 0]
    if not len(moved):
        return DECIMALS[0]
    size = math.sqrt(np.square(moved, dtype=np.float64).mean())
    least, most = DECIMALS
    return min(max(2 - math.floor(math.log10(size)), least), most)


def _means_near(
    distinct: NDArray[np.float32], changes: NDArray[np.float32], decimals: int
) -> NDArray[np.float32]:
    """Return what the changes (n,) that round to each of the `distinct` (K,) are in the mean: (K,).

    A rounding that takes less than a thousandth from them stays.
    """
    cells = np.searchsorted(distinct, changes.round(decimals))
    means = np.bincount(cells, changes) / np.bincount(cells)
    exact = np.abs(distinct - means) <= 1e-3 * np.abs(means)
    return np.where(exact, distinct, means).astype(np.float32)


def _can_express(before: Tensor, later: Tensor) -> bool:
    """Tell whether the classes `before` (K,) of one number can express the `later` ones (K,)."""
    are_quantiles = _are_quantiles(before) and _are_quantiles(later)
    before, later = before[~before.isnan()], later[~later.isnan()]
    if are_quantiles:
        low, high = 2 * before[0] - before[1], 2 * before[-1] - before[-2]
        return bool(low <= later[0] and later[-1] <= high)
    share, rounding = CLASS_TOLERANCES
    apart = (later[:, None] - before).abs().amin(-1)
    return bool((apart <= share * later.abs() + rounding).all())


def _are_quantiles(classes: Tensor) -> bool:
    """Tell whether there are as many classes (K,) as there can be, or one less.

    Quantiles are one less than `most`, 3 or more, and 0, which may be one of them.
    """
    return int((~classes.isnan()).sum()) >= len(classes) - 1
