"""Convolutional encoder and decoder for any frame of 32 to 128 pixels."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from worldvae.autoencoders.config import NetworkConfig
from worldvae.autoencoders.layers import Doubling, UnflattenCells
from worldvae.errors import ConfigError


class ConvEncoder(nn.Sequential):
    """Maps images to numbers of each latent: (B, stack C, H, W) -> (B, heads Z).

    One head is the mean of the code, a second one its log variance.
    """

    def __init__(self, shape: tuple[int, int, int], config: NetworkConfig, heads: int) -> None:
        layers: list[nn.Module] = []
        widths = pairwise((config.stack * shape[2], *config.channels))
        for (inside, outside), stride in zip(widths, config.strides, strict=True):
            layers += [nn.Conv2d(inside, outside, 2 * stride, stride, stride - 1)]
            layers += [nn.ReLU(inplace=True)]
        super().__init__(*layers, *_code_layers(shape, config, heads))


class ConvDecoder(nn.Sequential):
    """Maps latents to images with the encoder's layers in reverse: (B, Z + extra) -> (B, C, H, W).

    Args:
        extra: How many numbers beside the latents, such as actions, the decoder is told.
    """

    def __init__(self, shape: tuple[int, int, int], config: NetworkConfig, extra: int = 0) -> None:
        *larger, size = _sizes(shape, config)
        layers: list[nn.Module] = _uncode_layers(config, size, extra)
        widths = pairwise((*reversed(config.channels), shape[2]))
        steps = zip(widths, reversed(larger), reversed(config.strides), strict=True)
        for (inside, outside), large, stride in steps:
            layers += [nn.ReLU(inplace=True), _enlarging(inside, outside, large, stride)]
        super().__init__(*layers)


class CellsAndExtra(nn.Module):
    """Gives the extra numbers to every cell: (B, k h w + extra) -> (B, k + extra, h, w)."""

    def __init__(self, latents: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.latents, self.size = latents, size

    def forward(self, codes: Tensor) -> Tensor:
        cells = codes[:, : self.latents].reshape(len(codes), -1, *self.size)
        extra = codes[:, self.latents :, None, None].expand(-1, -1, *self.size)
        return torch.cat([cells, extra], dim=1)


class SpatialSoftmax(nn.Module):
    """Says where each feature map peaks, and how high: (B, K, h, w) -> (B, 3 K).

    It returns the expected column and row in [-1, 1] under the softmax of the map (Finn et al.,
    2016), and its log-sum-exp, which tells whether the object is there at all.
    """

    columns: Tensor
    rows: Tensor

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        height, width = size
        self.register_buffer("rows", torch.linspace(-1, 1, height), persistent=False)
        self.register_buffer("columns", torch.linspace(-1, 1, width), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        flat = maps.flatten(2)
        chance = flat.softmax(dim=2).reshape(maps.shape)
        column = (chance.sum(2) * self.columns).sum(2)
        row = (chance.sum(3) * self.rows).sum(2)
        return torch.cat([column, row, flat.logsumexp(dim=2)], dim=1)


def check_network(config: NetworkConfig, shape: tuple[int, int, int]) -> None:
    """Raise ConfigError if frames of `shape`, (H, W, C), leave the code no place."""
    if config.code == "grid":
        _latents_per_cell(config, _sizes(shape, config)[-1])


def _code_layers(shape: tuple[int, int, int], config: NetworkConfig, heads: int) -> list[nn.Module]:
    """Return the layers from the last feature map to the code: (B, F, h, w) -> (B, heads Z)."""
    height, width = _sizes(shape, config)[-1]
    features, outputs = config.channels[-1], heads * config.latents
    if config.code == "grid":
        per_cell = _latents_per_cell(config, (height, width))
        return [nn.Conv2d(features, heads * per_cell, kernel_size=1), nn.Flatten()]
    if config.code == "keypoints":
        return [SpatialSoftmax((height, width)), nn.Linear(3 * features, outputs)]
    return [nn.Flatten(), nn.Linear(features * height * width, outputs)]


def _uncode_layers(config: NetworkConfig, size: tuple[int, int], extra: int) -> list[nn.Module]:
    """Return the layers from the code (B, Z + extra) to the decoder's first map (B, F, h, w)."""
    features = config.channels[-1]
    if config.code == "grid":
        inputs = _latents_per_cell(config, size) + extra
        cells = CellsAndExtra(config.latents, size)
        return [cells, nn.Conv2d(inputs, features, kernel_size=3, padding=1)]
    dense = nn.Linear(config.latents + extra, math.prod((features, *size)))
    return [dense, UnflattenCells(1, (features, *size))]


def _latents_per_cell(config: NetworkConfig, size: tuple[int, int]) -> int:
    cells = math.prod(size)
    per_cell, rest = divmod(config.latents, cells)
    if rest or not per_cell:
        raise ConfigError(
            f"pretrain.latents = {config.latents}: code: grid has {size[0]}x{size[1]} cells here, "
            f"so it needs a multiple of {cells} latents (or more, fewer channels for other cells)"
        )
    return per_cell


def _enlarging(inside: int, outside: int, size: tuple[int, int], stride: int) -> nn.ConvTranspose2d:
    """Return the transposed convolution to `size`, the input of the convolution it mirrors."""
    rest = ((size[0] + stride - 2) % stride, (size[1] + stride - 2) % stride)
    if stride == 2:
        return Doubling(inside, outside, rest)
    return nn.ConvTranspose2d(inside, outside, 2 * stride, stride, stride - 1, output_padding=rest)


def _sizes(shape: tuple[int, int, int], config: NetworkConfig) -> list[tuple[int, int]]:
    """Return (height, width) before the first convolution and after each.

    n becomes (n + s - 2) // s: the padding of s - 1 lets the last window end on the last pixel or
    beyond it, so that every pixel is seen whatever the size.
    """
    sizes = [shape[:2]]
    for stride in config.strides:
        height, width = sizes[-1]
        sizes.append(((height + stride - 2) // stride, (width + stride - 2) // stride))
    return sizes
