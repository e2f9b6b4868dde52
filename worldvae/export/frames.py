"""Preprocesses frames inside of an exported file as `worldvae.envs.frames` does outside of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from worldvae.envs.frames import Crop, FrameConfig
from worldvae.envs.observations import ImageLayout
from worldvae.errors import ConfigError
from worldvae.export.scaling import AreaScaling, LinearScaling

GRAY = (9_798, 19_235, 3_735)
"""OpenCV's weights of red, green and blue, as multiples of 2^-15."""


class FrameReader(nn.Module):
    """Turns an environment's own images into frames: (N, *shape) -> (N, H, W, C) uint8.

    Args:
        layout: How the environment holds an image.
        shape: The shape of its image, without N.
        config: The preprocessing.

    Raises ConfigError if the crop leaves nothing of the image.
    """

    def __init__(self, layout: ImageLayout, shape: tuple[int, ...], config: FrameConfig) -> None:
        super().__init__()
        self._layout, self._channels = layout, config.shape[2]
        rows, columns = shape[1:] if layout.channels == "first" else shape[:2]
        self._cut, size = _cut(rows, columns, config.crop)
        self.scalings = _scalings(size, (config.height, config.width))

    def forward(self, images: Tensor) -> Tensor:
        frames = channels_last(images, self._layout)
        rows, columns = self._cut
        frames = frames[:, rows, columns]
        if self._channels < frames.shape[3]:
            frames = _gray(frames)
        if len(self.scalings):
            frames = self.scalings(frames.to(torch.float32))
        return frames.expand(-1, -1, -1, self._channels).to(torch.uint8)


def channels_last(images: Tensor, layout: ImageLayout) -> Tensor:
    """Return images of `layout` as (N, H, W, C) uint8, like `ImageLayout.frame`."""
    if layout.channels == "first":
        images = images.permute(0, 2, 3, 1)
    if layout.channels == "none":
        images = images[..., None]
    if images.dtype == torch.uint8 and layout.white == 255:
        return images
    shares = images / layout.white
    return (255 * shares).clamp(0, 255).round().to(torch.uint8)


def _cut(rows: int, columns: int, crop: Crop) -> tuple[tuple[slice, slice], tuple[int, int]]:
    """Return the rows and columns that `crop` leaves, and how many there are."""
    kept = rows - crop.top - crop.bottom, columns - crop.left - crop.right
    if min(kept) <= 0:
        raise ConfigError(f"frame.crop leaves nothing of a frame of {rows}x{columns} pixels")
    where = slice(crop.top, crop.top + kept[0]), slice(crop.left, crop.left + kept[1])
    return where, kept


def _scalings(source: tuple[int, int], target: tuple[int, int]) -> nn.Sequential:
    """Return what scales images: sides that shrink by areas, then those that grow."""
    smaller = min(source[0], target[0]), min(source[1], target[1])
    shrinks = [AreaScaling(source, smaller)] if smaller != source else []
    grows = [LinearScaling(smaller, target)] if smaller != target else []
    return nn.Sequential(*shrinks, *grows)


def _gray(frames: Tensor) -> Tensor:
    """Return grey levels, whole float32 numbers: (N, H, W, 3) -> (N, H, W, 1)."""
    red, green, blue = (
        weight * frames[..., channel : channel + 1].to(torch.float32)
        for channel, weight in enumerate(GRAY)
    )
    return ((red + green + blue + 2**14) / 2**15).floor()
