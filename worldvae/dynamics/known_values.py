"""The values that numbers may have, and how often they have each in training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

RAREST = 1e-6
"""The share of a value that training does not have: an untrained head still allows for it."""

ROUNDING = 1e-6
"""Size of a value, as a share of the largest one, that rounding has made of 0."""


@dataclass(frozen=True)
class KnownValues:
    """Values and their shares, each (..., K)."""

    values: Tensor
    """Ascending; NaN at the end where there are fewer than K."""
    log_shares: Tensor
    """The log of the share of each value in training."""

    @classmethod
    def even(cls, values: Tensor) -> KnownValues:
        """Return `values` (..., K) of which all are as common."""
        return cls(values, torch.zeros_like(values))


def usual_sizes(known: KnownValues) -> Tensor:
    """Return the median size of the values that are not 0: (..., K) -> (...); 0 without any."""
    sizes, order = known.values.nan_to_num().abs().sort(-1)
    shares = known.log_shares.exp().where(known.values.isfinite(), 0.0)
    weights = shares.gather(-1, order) * (sizes > ROUNDING * sizes[..., -1:])
    below = weights.cumsum(-1)
    middle = (below < below[..., -1:] / 2).sum(-1, keepdim=True)
    return torch.where(below[..., -1] > 0, sizes.gather(-1, middle)[..., 0], 0.0)


def log_shares(counts: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the log of the share of each value, from how often each occurred: (K,) -> (K,)."""
    shares = counts / max(counts.sum(), 1.0)
    logs: NDArray[np.float32] = np.log(np.maximum(shares, RAREST)).astype(np.float32)
    return logs


def nearest_counts(
    numbers: NDArray[np.float32], values: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Count to which of the ascending `values` (K,) the numbers (n,) are nearest: (K,)."""
    between = (values[1:].astype(np.float64) + values[:-1]) / 2
    return np.bincount(np.searchsorted(between, numbers), minlength=len(values)).astype(np.float64)


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
