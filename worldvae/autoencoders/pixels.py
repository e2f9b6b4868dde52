"""Frames in store (uint8, channels last), frames in a network (float), and the door between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Pixels = TypeVar("Pixels", Tensor, NDArray[np.uint8])


@dataclass(frozen=True)
class Window:
    """Which frames around time t make one example: the input ends at t, the target is t + ahead.

    `with_previous` asks for the frame before the target too, from which motion is seen.
    """

    stack: int = 1
    ahead: int = 0
    with_previous: bool = False

    @property
    def before(self) -> int:
        """Frames before t."""
        return max(self.stack - 1, 1 if self.with_previous and self.ahead == 0 else 0)

    @property
    def length(self) -> int:
        """T, all frames of one example."""
        return self.before + 1 + self.ahead

    def inputs(self, frames: Pixels) -> Pixels:
        """What is encoded: (B, H, W, T C) -> (B, H, W, stack C)."""
        channels = self._channels(frames)
        end = (self.before + 1) * channels
        return frames[..., end - self.stack * channels : end]

    def target(self, frames: Pixels) -> Pixels:
        """What is to be decoded: (B, H, W, T C) -> (B, H, W, C)."""
        return frames[..., -self._channels(frames) :]

    def previous(self, frames: Pixels) -> Pixels:
        """The frame before the target: (B, H, W, T C) -> (B, H, W, C)."""
        channels = self._channels(frames)
        return frames[..., -2 * channels : -channels]

    def _channels(self, frames: Pixels) -> int:
        return int(frames.shape[-1]) // self.length


def to_float(frames: Tensor) -> Tensor:
    """(B, H, W, C) uint8 -> (B, C, H, W) float32 in [0, 1], on the device where `frames` lie.

    No copy reorders the memory: channels-last frames permuted are a channels_last tensor.
    """
    return frames.permute(0, 3, 1, 2).to(torch.float32) / 255


def to_uint8(images: Tensor) -> Tensor:
    """(B, C, H, W) float in [0, 1] -> (B, H, W, C) uint8, rounded; the inverse of `to_float`."""
    levels = images.clamp(0, 1).mul(255).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous()
