"""Units in which dynamics predict, measured on training windows: changes, rewards, ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldvae.dynamics.change_classes import ChangeClasses
from worldvae.dynamics.reward_support import REWARDS, RewardSupport, reward_deviation
from worldvae.dynamics.sequences import SequenceBatch
from worldvae.training.batches import Examples, even_batches

MEASURED = 8_192
"""In at most so many windows the changes of codes are measured."""

SMALLEST_STD = 1e-3
"""Least deviation of a change; a number that never changes has some."""

BEYOND = float(np.finfo(np.float32).max)
"""No number is beyond it."""


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
    latent_classes: ChangeClasses
    """(Z, K): quantiles of the change of each latent."""
    key_classes: ChangeClasses
    """(X, K): the values that the change of each key has, or its quantiles."""
    key_range: Tensor
    """(2, X): the least and the greatest value of each key."""
    rewards: RewardSupport
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
            ChangeClasses.even(classes.expand(latents, bins)),
            ChangeClasses.even(classes.expand(keys, bins)),
            torch.tensor([[-BEYOND], [BEYOND]]).expand(2, keys),
            RewardSupport.even(torch.linspace(-1, 1, REWARDS)),
            1.0,
            0.5,
        )


def measure_units(windows: MeasuredWindows, latents: int, bins: int) -> Units:
    """Return the units of `windows`; `latents` is Z, `bins` is K."""
    codes, changes = _codes(windows)
    rewards, ends = windows.events()
    keys = range(latents, changes.shape[1])
    ranges = [(float(each.min()), float(each.max())) for each in map(windows.key_values, keys)]
    return Units(
        change=torch.from_numpy(_deviations(changes)),
        code_std=float(_deviations(codes[:, :latents]).mean()),
        latent_classes=ChangeClasses.of(((one, one) for one in changes[:, :latents].T), bins),
        key_classes=ChangeClasses.of(((windows.key_changes(k), changes[:, k]) for k in keys), bins),
        key_range=torch.tensor(ranges).reshape(-1, 2).T,
        rewards=RewardSupport.of(rewards),
        reward_std=reward_deviation(rewards),
        end_rate=float(ends.astype(np.float32).mean()),
    )


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
    deviations: NDArray[np.float32] = np.maximum(numbers.std(0), SMALLEST_STD)
    return deviations
