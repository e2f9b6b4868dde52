"""Mean and deviation of each pixel, which are the units of a standardised autoencoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from worldvae.autoencoders.examples import FrameSource, frame_batches
from worldvae.autoencoders.pixels import to_float
from worldvae.autoencoders.window import Window

# A pixel that never changes has no unit; 0.02 is five grey levels, above noise and below objects.
LEAST_STD = 0.02


@dataclass(frozen=True)
class PixelStatistics:
    """Mean and standard deviation of each pixel, both (C, H, W) in [0, 1], and how many frames.

    Where a small object is seldom seen, the pixel has a small deviation: in these units the object
    is as large as anything else.
    """

    mean: Tensor
    std: Tensor
    frames: int

    @classmethod
    def neutral(cls, shape: tuple[int, int, int]) -> PixelStatistics:
        """Return mean 0 and deviation 1 for frames (H, W, C), which change nothing."""
        height, width, channels = shape
        size = (channels, height, width)
        return cls(torch.zeros(size), torch.ones(size), frames=1)


def measure_pixels(source: FrameSource, window: Window, limit: int = 20_000) -> PixelStatistics:
    """Measure at most `limit` targets, spread evenly over `source`."""
    total, squares, count = torch.zeros(()), torch.zeros(()), 0
    for batch in frame_batches(source, 256, limit):
        images = to_float(window.target(batch.frames)).double()
        total, squares = total + images.sum(0), squares + images.square().sum(0)
        count += len(batch)
    mean = total / count
    std = (squares / count - mean.square()).clamp(min=0).sqrt()
    return PixelStatistics(mean.float(), std.float().clamp(min=LEAST_STD), frames=len(source))
