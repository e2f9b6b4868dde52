"""Convolutions that halve a frame, and their mirror image, for any frame of 32 to 128 pixels."""

from __future__ import annotations

import math
from itertools import pairwise

from pydantic import Field
from torch import nn

from worldvae.config import Config


class NetworkConfig(Config):
    """The size of encoder and decoder; by default World Models' (Ha & Schmidhuber, 2018)."""

    latents: int = Field(32, ge=1, le=4096, description="Latents Z of one frame.")
    channels: tuple[int, ...] = Field(
        (32, 64, 128, 256),
        min_length=1,
        max_length=5,
        description="Filters of each convolution (kernel 4, stride 2); the decoder mirrors them.",
    )


class ConvEncoder(nn.Sequential):
    """(B, C, H, W) in [0, 1] -> (B, outputs)."""

    def __init__(self, shape: tuple[int, int, int], config: NetworkConfig, outputs: int) -> None:
        height, width = _sizes(shape, config)[-1]
        layers: list[nn.Module] = []
        for inside, outside in pairwise((shape[2], *config.channels)):
            layers += [nn.Conv2d(inside, outside, kernel_size=4, stride=2, padding=1), nn.ReLU()]
        head = nn.Linear(config.channels[-1] * height * width, outputs)
        super().__init__(*layers, nn.Flatten(), head)


class ConvDecoder(nn.Sequential):
    """(B, Z) -> logits of the image (B, C, H, W): the encoder's layers in reverse."""

    def __init__(self, shape: tuple[int, int, int], config: NetworkConfig) -> None:
        *larger, (height, width) = _sizes(shape, config)
        first = config.channels[-1]
        layers: list[nn.Module] = [
            nn.Linear(config.latents, math.prod((first, height, width))),
            nn.Unflatten(1, (first, height, width)),
        ]
        widths = pairwise((*reversed(config.channels), shape[2]))
        for (inside, outside), size in zip(widths, reversed(larger), strict=True):
            layers += [nn.ReLU(), _doubling(inside, outside, size)]
        super().__init__(*layers)


def _doubling(inside: int, outside: int, size: tuple[int, int]) -> nn.ConvTranspose2d:
    """The transposed convolution whose output is `size`: 2 n, or 2 n + 1 where `size` is odd."""
    odd = (size[0] % 2, size[1] % 2)
    return nn.ConvTranspose2d(
        inside, outside, kernel_size=4, stride=2, padding=1, output_padding=odd
    )


def _sizes(shape: tuple[int, int, int], config: NetworkConfig) -> list[tuple[int, int]]:
    """(height, width) before the first convolution and after each: halved, rounded down."""
    return [(shape[0] >> depth, shape[1] >> depth) for depth in range(len(config.channels) + 1)]
