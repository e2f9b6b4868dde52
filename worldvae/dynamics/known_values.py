"""The values that numbers may have, and how often they have each in training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

RAREST = 1e-6
"""The share of a value that training does not have: an untrained head still allows for it."""

ROUNDED_SHARE = 1e-6
"""Size of a value, as a share of the largest one, that rounding has made of 0."""


@dataclass(frozen=True)
class KnownValues(ABC):
    """Values of one number, (K,), or of each of D numbers, (D, K), and their shares."""

    values: Tensor
    """Ascending; NaN at the end where there are fewer than K."""
    log_shares: Tensor
    """The log of the share of each value in training."""

    @classmethod
    def even(cls, values: Tensor) -> Self:
        """Return `values` (..., K) of which all are as common."""
        return cls(values, torch.zeros_like(values))

    @abstractmethod
    def can_express(self, later: Self) -> Tensor:
        """Tell of each number whether a head of these values can predict the `later` ones: (D,)."""

    def usual_sizes(self) -> Tensor:
        """Return the median size of the values that are not 0: (...); 0 without any."""
        sizes, order = self.values.nan_to_num().abs().sort(-1)
        is_none = sizes <= ROUNDED_SHARE * sizes[..., -1:]
        weights = self.log_shares.exp().gather(-1, order).masked_fill(is_none, 0.0)
        below = weights.cumsum(-1)
        middle = (below < below[..., -1:] / 2).sum(-1, keepdim=True)
        return torch.where(below[..., -1] > 0, sizes.gather(-1, middle)[..., 0], 0.0)


def log_shares(counts: NDArray[np.float64]) -> Tensor:
    """Return the log of the share of each value, from how often each occurred: (K,) -> (K,)."""
    shares = counts / max(counts.sum(), 1.0)
    return torch.from_numpy(np.log(np.maximum(shares, RAREST)).astype(np.float32))
