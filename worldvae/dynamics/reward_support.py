"""The support of rewards: the values of which a head of rewards predicts the mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldvae.dynamics.known_values import KnownValues, log_shares
from worldvae.symlog import symexp, symlog

REWARDS = 63
"""Values of the support of rewards."""

LEAST_RANGE = 1e-3
"""How far the support of rewards that are all equal goes to either side."""


@dataclass(frozen=True)
class RewardSupport(KnownValues):
    """The support (R,) of rewards, of which none is as great as the next."""

    @classmethod
    def of(cls, rewards: NDArray[np.float32]) -> RewardSupport:
        """Return values from the least of the rewards (n,) to the greatest, even in symlog.

        The support is then finer near 0.
        """
        support = _support(rewards)
        return cls(torch.from_numpy(support), log_shares(two_hot_counts(rewards, support)))

    def can_express(self, later: RewardSupport) -> Tensor:
        """Tell whether this support reaches as far as the `later` one: (1,)."""
        low, high = self.values[0] <= later.values[0], later.values[-1] <= self.values[-1]
        return torch.tensor([bool(low and high)])


def reward_deviation(rewards: NDArray[np.float32]) -> float:
    """Return the deviation of rewards (n,), however small; 0 if all are equal but for rounding."""
    rounding = 1e-6 * np.abs(rewards).max()
    is_one = np.ptp(rewards) <= rounding
    return 0.0 if is_one else float(rewards.std(dtype=np.float64))


def two_hot_counts(
    numbers: NDArray[np.float32], values: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Share each number (n,) between its two neighbours of the ascending `values` (K,): (K,).

    The mean of the values under these counts is that of the numbers.
    """
    exact = values.astype(np.float64)
    inside = numbers.astype(np.float64).clip(exact[0], exact[-1])
    above = np.searchsorted(exact, inside).clip(1, len(exact) - 1)
    share = (inside - exact[above - 1]) / (exact[above] - exact[above - 1])
    counts = np.zeros(len(exact))
    np.add.at(counts, above - 1, 1 - share)
    np.add.at(counts, above, share)
    return counts


def _support(rewards: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = float(rewards.min()), float(rewards.max())
    # In units of the deviation, so that small rewards get as fine a support as large ones.
    scale = reward_deviation(rewards) or LEAST_RANGE
    if high - low < scale:
        low, high = low - scale, high + scale
    ends = torch.tensor([low, high], dtype=torch.float64) / scale
    first, last = symlog(ends)
    even = torch.linspace(float(first), float(last), REWARDS, dtype=torch.float64)
    return _increasing((scale * symexp(even)).float().numpy())


def _increasing(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values (R,) of which none is as great as the next: each at least one float above.

    Of rewards near a million float32 knows no sixteenths: many of an even support would coincide.
    """
    found = values.copy()
    for index in range(1, len(found)):
        found[index] = max(found[index], np.nextafter(found[index - 1], np.float32(np.inf)))
    return found
