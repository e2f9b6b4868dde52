"""The conversion of frames from uint8, channels last, to float images, and back."""

from __future__ import annotations

import torch
from torch import Tensor


def to_float(frames: Tensor) -> Tensor:
    """Convert (B, H, W, C) uint8 to (B, C, H, W) float32 in [0, 1], on the same device.

    The memory is not reordered: channels-last frames permuted are a channels_last tensor.
    """
    return frames.permute(0, 3, 1, 2).to(torch.float32) / 255


def to_uint8(images: Tensor) -> Tensor:
    """Convert (B, C, H, W) in [0, 1] to (B, H, W, C) uint8, rounded: the inverse of `to_float`."""
    levels = images.clamp(0, 1).mul(255).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous()
