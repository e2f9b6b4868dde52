"""Units in which dynamics predict, measured on training windows: changes, rewards, ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldvae.dynamics.known_values import (
    KnownValues,
    log_shares,
    nearest_counts,
    two_hot_counts,
)
from worldvae.dynamics.sequences import SequenceBatch
from worldvae.symlog import symexp, symlog
from worldvae.training.batches import Examples, even_batches

MEASURED = 8_192
"""In at most so many windows the changes of codes are measured."""

REWARDS = 63
"""Values of the support of rewards."""

SMALLEST = 1e-3
"""Least deviation of a change; a number that never changes has some."""

BEYOND = float(np.finfo(np.float32).max)
"""No number is beyond it."""

DECIMALS = 5, 12
"""Least and most decimals to which changes are told apart; numbers of about 1 have no more."""


class MeasuredWindows(Examples[SequenceBatch], Protocol):
    """Windows of which all rewards, ends and keys can be had without reading a latent.

    What happens once in a million decisions may be what the task is about.
    """

    def events(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the reward and the end of each decision of all windows: (n,) each."""

    def key_changes(self, number: int) -> NDArray[np.float32]:
        """Return how number `number` of the code, a key, changes by each target decision: (n,)."""

    def key_values(self, number: int) -> NDArray[np.float32]:
        """Return number `number` of the code, a key, wherever it was shown: (n,)."""


@dataclass(frozen=True)
class Units:
    """The scale of changes and the values that classes and rewards may have."""

    change: Tensor
    """(D,): the standard deviation of each number's change."""
    code_std: float
    """The standard deviation of a latent, in the mean over all of them."""
    latent_classes: KnownValues
    """(Z, K): quantiles of the change of each latent."""
    key_classes: KnownValues
    """(X, K): the values that the change of each key has, or its quantiles."""
    key_range: Tensor
    """(2, X): the least and the greatest value of each key."""
    rewards: KnownValues
    """(R,): the support of rewards."""
    reward_std: float
    """The standard deviation of rewards; 0 if all are equal but for rounding."""
    end_rate: float
    """The share of decisions that end an episode."""

    @classmethod
    def neutral(cls, latents: int, keys: int, bins: int) -> Units:
        """Return units of the right shapes, for weights that are loaded next."""
        classes = torch.linspace(-1, 1, bins)
        return cls(
            torch.ones(latents + keys),
            1.0,
            KnownValues.even(classes.expand(latents, bins)),
            KnownValues.even(classes.expand(keys, bins)),
            torch.tensor([[-BEYOND], [BEYOND]]).expand(2, keys),
            KnownValues.even(torch.linspace(-1, 1, REWARDS)),
            1.0,
            0.5,
        )


def measure_units(windows: MeasuredWindows, latents: int, bins: int) -> Units:
    """Return the units of `windows`; `latents` is Z, `bins` is K."""
    codes, changes = _codes(windows)
    rewards, ends = windows.events()
    numbers = range(latents, changes.shape[1])
    keys = [_known(windows.key_changes(k), changes[:, k], bins) for k in numbers]
    ranges = [_range(windows.key_values(k)) for k in numbers]
    return Units(
        change=torch.from_numpy(_deviations(changes)),
        code_std=float(_deviations(codes[:, :latents]).mean()),
        latent_classes=_stack([_known(one, one, bins) for one in changes[:, :latents].T], bins),
        key_classes=_stack(keys, bins),
        key_range=torch.tensor(ranges).reshape(-1, 2).T,
        rewards=_known_rewards(rewards),
        reward_std=_reward_deviation(rewards),
        end_rate=float(ends.astype(np.float32).mean()),
    )


def _range(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the least and the greatest of values (n,); no bounds where there are none."""
    return (float(values.min()), float(values.max())) if len(values) else (-BEYOND, BEYOND)


def _known(
    every: NDArray[np.float32], measured: NDArray[np.float32], bins: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the classes of `every` (n,) as `_classes` does, and the log of their shares."""
    values = _classes(every, measured, bins)
    return values, log_shares(nearest_counts(every, values))


def _known_rewards(rewards: NDArray[np.float32]) -> KnownValues:
    support = _support(rewards)
    shares = log_shares(two_hot_counts(rewards, support.numpy()))
    return KnownValues(support, torch.from_numpy(shares))


def _codes(
    windows: Examples[SequenceBatch],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the codes that decisions led to, and how they changed: of an even choice, (n, D)."""
    codes, changes = [], []
    for batch in even_batches(windows, 256, MEASURED):
        after = batch.mean[:, 1:]
        codes.append(after[batch.targets].numpy())
        changes.append((after - batch.mean[:, :-1])[batch.targets].numpy())
    return np.concatenate(codes), np.concatenate(changes)


def _deviations(numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the deviation of each column of (n, D): (D,); 1 if there is nothing to measure."""
    if not len(numbers):
        return np.ones(numbers.shape[1], np.float32)
    deviations: NDArray[np.float32] = np.maximum(numbers.std(0), SMALLEST)
    return deviations


def _classes(
    every: NDArray[np.float32], measured: NDArray[np.float32], bins: int
) -> NDArray[np.float32]:
    """Return the distinct values of `every` (n,), or quantiles if they are more than `bins`.

    The quantiles are those of `measured` (m,), a part of it, between the extremes of all; 0 alone
    if there are no values.
    """
    if not len(every):
        return np.zeros(1, np.float32)
    decimals = _decimals(every)
    # The part tells soon of most numbers that they have too many values.
    if len(np.unique(measured.round(decimals))) <= bins:
        distinct = np.unique(every.round(decimals))
        if len(distinct) <= bins:
            return _centres(every, distinct, decimals)
    quantiles = np.quantile(measured if len(measured) else every, np.linspace(0, 1, bins - 1))
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


def _centres(
    values: NDArray[np.float32], distinct: NDArray[np.float32], decimals: int
) -> NDArray[np.float32]:
    """Return the values that `values` (n,) have in the mean where they round to `distinct` (K,).

    A rounding that takes less than a thousandth from them stays.
    """
    cells = np.searchsorted(distinct, values.round(decimals))
    means = np.bincount(cells, values) / np.bincount(cells)
    exact = np.abs(distinct - means) <= 1e-3 * np.abs(means)
    return np.where(exact, distinct, means).astype(np.float32)


def _stack(rows: list[tuple[NDArray[np.float32], NDArray[np.float32]]], bins: int) -> KnownValues:
    values, shares = (np.full((len(rows), bins), fill, np.float32) for fill in (np.nan, 0.0))
    for row, (known, log_share) in enumerate(rows):
        values[row, : len(known)] = known
        shares[row, : len(known)] = log_share
    return KnownValues(torch.from_numpy(values), torch.from_numpy(shares))


def _support(rewards: NDArray[np.float32]) -> Tensor:
    """Return values from the least reward to the greatest, evenly spaced in symlog.

    The support is then finer near 0.
    """
    low, high = float(rewards.min()), float(rewards.max())
    # In units of the deviation, so that small rewards get as fine a support as large ones.
    scale = _reward_deviation(rewards) or SMALLEST
    if high - low < scale:
        low, high = low - scale, high + scale
    ends = torch.tensor([low, high], dtype=torch.float64) / scale
    first, last = symlog(ends)
    even = torch.linspace(float(first), float(last), REWARDS, dtype=torch.float64)
    return _increasing((scale * symexp(even)).float())


def _reward_deviation(rewards: NDArray[np.float32]) -> float:
    """Return the deviation of rewards (n,), however small; 0 if all are equal but for rounding."""
    rounding = 1e-6 * np.abs(rewards).max()
    is_one = np.ptp(rewards) <= rounding
    return 0.0 if is_one else float(rewards.std(dtype=np.float64))


def _increasing(values: Tensor) -> Tensor:
    """Return values (R,) of which none is as great as the next: each at least one float above.

    Of rewards near a million float32 knows no sixteenths: many of an even support would coincide.
    """
    found = values.numpy().copy()
    for index in range(1, len(found)):
        found[index] = max(found[index], np.nextafter(found[index - 1], np.float32(np.inf)))
    return torch.from_numpy(found)
