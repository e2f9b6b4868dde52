"""Units in which dynamics predict, measured on training windows: changes, rewards, ends."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldvae.dynamics.sequences import SequenceBatch
from worldvae.symlog import symexp, symlog
from worldvae.training.batches import Examples, even_batches

MEASURED = 8_192
"""At most so many windows are measured."""

REWARDS = 63
"""Values of the support of rewards."""

SMALLEST = 1e-3
"""Least deviation of a change; a number that never changes has some."""


@dataclass(frozen=True)
class Units:
    """The scale of changes and the values that classes and rewards may have."""

    change: Tensor
    """(D,): the standard deviation of each number's change."""
    latent_classes: Tensor
    """(Z, K): quantiles of the change of each latent."""
    key_classes: Tensor
    """(X, K): the values that the change of each key has, or its quantiles; NaN where fewer."""
    rewards: Tensor
    """(R,): the support of rewards, ascending."""
    reward_std: float
    end_rate: float
    """The share of decisions that end an episode."""

    @property
    def end_logit(self) -> float:
        """The logit of the share of decisions that end an episode, kept away from 0 and 1."""
        rate = min(max(self.end_rate, 1e-5), 1 - 1e-5)
        return math.log(rate / (1 - rate))

    @classmethod
    def neutral(cls, latents: int, keys: int, bins: int) -> Units:
        """Return units of the right shapes, for weights that are loaded next."""
        classes = torch.linspace(-1, 1, bins)
        return cls(
            torch.ones(latents + keys),
            classes.expand(latents, bins),
            classes.expand(keys, bins),
            torch.linspace(-1, 1, REWARDS),
            1.0,
            0.5,
        )


def measure_units(windows: Examples[SequenceBatch], latents: int, bins: int) -> Units:
    """Return the units of `windows`; `latents` is Z, `bins` is K."""
    changes, rewards, ends = _collect(windows)
    keys = changes[:, latents:].T
    return Units(
        change=torch.from_numpy(np.maximum(changes.std(0), SMALLEST)),
        latent_classes=_stack([_classes(column, bins) for column in changes[:, :latents].T], bins),
        key_classes=_stack([_classes(column, bins) for column in keys], bins),
        rewards=_support(rewards),
        reward_std=float(max(rewards.std(), SMALLEST)),
        end_rate=float(ends.mean()),
    )


def _collect(
    windows: Examples[SequenceBatch],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return all changes (n, D), rewards (m,) and ends (m,) of an even choice of windows."""
    changes, rewards, ends = [], [], []
    for batch in even_batches(windows, 256, MEASURED):
        change = batch.mean[:, 1:] - batch.mean[:, :-1]
        changes.append(change[batch.targets].numpy())
        rewards.append(batch.rewards[batch.valid].numpy())
        ends.append(batch.terminated[batch.valid].float().numpy())
    return np.concatenate(changes), np.concatenate(rewards), np.concatenate(ends)


def _classes(column: NDArray[np.float32], bins: int) -> NDArray[np.float32]:
    """Return the distinct values of a column (n,), or quantiles if they are more than `bins`."""
    distinct = np.unique(column.round(5))
    if len(distinct) <= bins:
        return distinct
    # No change at all is often its own event, such as no damage.
    return np.unique(np.append(np.quantile(column, np.linspace(0, 1, bins - 1)), 0).round(5))


def _stack(rows: list[NDArray[np.float32]], bins: int) -> Tensor:
    table = np.full((len(rows), bins), np.nan, np.float32)
    for row, values in zip(table, rows, strict=True):
        row[: len(values)] = values
    return torch.from_numpy(table)


def _support(rewards: NDArray[np.float32]) -> Tensor:
    """Return values from the least reward to the greatest, evenly spaced in symlog.

    The support is then finer near 0.
    """
    low, high = float(rewards.min()), float(rewards.max())
    if high - low < 1e-6:
        low, high = low - 1e-3, high + 1e-3
    # In units of the deviation, so that rewards of a hundredth get as fine a support as large ones.
    scale = max(float(rewards.std()), 1e-3)
    ends = torch.tensor([low, high], dtype=torch.float64) / scale
    first, last = symlog(ends)
    even = torch.linspace(float(first), float(last), REWARDS, dtype=torch.float64)
    return (scale * symexp(even)).float()
