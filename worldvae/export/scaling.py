"""Scales images as OpenCV does, to the bit, with operations that an ONNX file can hold.

OpenCV's arithmetic is repeated: its order of sums in float32 for areas, and its fixed point for
the interpolation of growing images. Images are (N, H, W, C), grey levels whole float32 numbers.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

ROWS, COLUMNS = 1, 2
"""The axes of an image."""

UNIT = 2048
"""One, in the fixed point of OpenCV's weights of an interpolation."""

SMALLEST_SHARE = 1e-9
"""A share of a pixel that is no larger is none."""


class AreaScaling(nn.Module):
    """Scales images down by averaging areas, as INTER_AREA: (N, H0, W0, C) -> (N, H, W, C)."""

    def __init__(self, source: tuple[int, int], target: tuple[int, int]) -> None:
        super().__init__()
        self._factors = [old / new for old, new in zip(source, target, strict=True)]
        # OpenCV adds whole pixels up before it divides, where both sides shrink by whole factors.
        self._adds = all(factor.is_integer() for factor in self._factors)
        areas = [_areas(*sides, self._adds) for sides in zip(source, target, strict=True)]
        self.rows, self.columns = (
            WeightedSum(axis, *area) for axis, area in zip((ROWS, COLUMNS), areas, strict=True)
        )

    def forward(self, images: Tensor) -> Tensor:
        sums: Tensor = self.rows(self.columns(images))
        if not self._adds:
            return sums.round()
        if self._factors == [2.0, 2.0]:  # here alone OpenCV rounds a half up
            return (0.25 * (sums + 2)).floor()
        return (sums * float(np.float32(1 / math.prod(self._factors)))).round()


class WeightedSum(nn.Module):
    """Adds T weighted pixels along an axis for each of m new ones, one after the other.

    Args:
        axis: ROWS or COLUMNS.
        indices: (m, T), the pixels of each new one.
        weights: (m, T).
    """

    indices: Tensor
    weights: Tensor

    def __init__(self, axis: int, indices: NDArray[np.int64], weights: NDArray[np.float32]) -> None:
        super().__init__()
        self._axis = axis
        broadcast = (len(indices), 1, 1) if axis == ROWS else (len(indices), 1)
        self.register_buffer("indices", torch.from_numpy(indices.T.copy()))
        self.register_buffer("weights", torch.from_numpy(weights.T.reshape(-1, *broadcast).copy()))

    def forward(self, images: Tensor) -> Tensor:
        parts = [
            images.index_select(self._axis, indices) * weights
            for indices, weights in zip(self.indices, self.weights, strict=True)
        ]
        total: Tensor = parts[0]
        for part in parts[1:]:
            total = total + part
        return total


class LinearScaling(nn.Module):
    """Scales images up by interpolation, as INTER_LINEAR: (N, H0, W0, C) -> (N, H, W, C)."""

    def __init__(self, source: tuple[int, int], target: tuple[int, int]) -> None:
        super().__init__()
        self.columns = _Neighbours(COLUMNS, source[1], target[1])
        self.rows = _Neighbours(ROWS, source[0], target[0])

    def forward(self, images: Tensor) -> Tensor:
        left, right = self.columns(images.to(torch.int32))
        above, below = self.rows(_divided(left + right, 16), 1 << 16)
        return _divided(above + below + 2, 4).to(torch.float32)


class _Neighbours(nn.Module):
    """The two weighted neighbours of each new pixel along an axis, in fixed point.

    Beyond the first and the last pixel both are the same one.
    """

    indices: Tensor
    weights: Tensor

    def __init__(self, axis: int, old: int, new: int) -> None:
        super().__init__()
        self._axis = axis
        places = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32)
        first = np.floor(places)
        share = places - first
        first = first.astype(np.int64)
        indices = np.clip([first, first + 1], 0, old - 1)
        weights = np.rint(np.stack([1 - share, share]) * UNIT).astype(np.int32)
        broadcast = (new, 1, 1) if axis == ROWS else (new, 1)
        self.register_buffer("indices", torch.from_numpy(indices))
        self.register_buffer("weights", torch.from_numpy(weights.reshape(2, *broadcast)))

    def forward(self, images: Tensor, divisor: int = 1) -> tuple[Tensor, Tensor]:
        first, second = (
            _divided(images.index_select(self._axis, indices) * weights, divisor)
            for indices, weights in zip(self.indices, self.weights, strict=True)
        )
        return first, second


def _divided(numbers: Tensor, divisor: int) -> Tensor:
    """Divide whole numbers from 0, and leave out what remains."""
    return numbers if divisor == 1 else torch.div(numbers, divisor, rounding_mode="trunc")


def _areas(old: int, new: int, adds: bool) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return which of `old` pixels each of `new` ones covers, and their shares: (new, T) each.

    With `adds` each pixel counts once and is no share.
    """
    factor = old / new
    starts = factor * np.arange(new)
    stops = starts + factor
    first = np.floor(starts + SMALLEST_SHARE).astype(np.int64)
    taps = int((np.ceil(stops - SMALLEST_SHARE) - first).max())
    indices = first[:, None] + np.arange(taps)
    covered = np.minimum(indices + 1, stops[:, None]) - np.maximum(indices, starts[:, None])
    weights = np.where(covered > SMALLEST_SHARE, covered, 0) / (1 if adds else factor)
    return np.minimum(indices, old - 1), weights.astype(np.float32)
