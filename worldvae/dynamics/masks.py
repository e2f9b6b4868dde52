"""Means over the decisions that there are."""

from __future__ import annotations

import torch
from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of values (B, T) where the mask (B, T) is true, 0 where it never is."""
    return torch.where(mask, values, 0).sum() / mask.sum().clamp(min=1)
