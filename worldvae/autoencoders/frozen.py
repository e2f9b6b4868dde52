"""The layers that an agent's encoder needs, and no more: uint8 frames to posterior means."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from worldvae.autoencoders.model import Autoencoder
from worldvae.autoencoders.pixels import to_float


class FrozenEncoder(nn.Module):
    """(B, H, W, stack C) uint8 -> the posterior mean (B, Z), float32; equal to `model.encode`.

    Shares the weights of `model`, but for those of the log variance, which it leaves out.

    Attributes:
        units: Mean and standard deviation of each pixel, (stack C, H, W) in [0, 1]; None for a
            model that does not standardise.
    """

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        stack, objective = model.config.network.stack, model.config.objective
        mean, std = (unit.repeat(stack, 1, 1) for unit in (model.pixel_mean, model.pixel_std))
        self.units = (mean, std) if objective.standardise else None
        self.layers = _mean_alone(model.encoder) if objective.is_variational else model.encoder
        self.eval()

    def forward(self, frames: Tensor) -> Tensor:
        images = to_float(frames)
        if self.units is not None:
            images = (images - self.units[0]) / self.units[1]
        codes: Tensor = self.layers(images)
        return codes.float()


def _mean_alone(encoder: nn.Sequential) -> nn.Sequential:
    """The same layers, the last of them without the second half of its outputs, the variance."""
    layers = list(encoder)
    last = max(place for place, layer in enumerate(layers) if hasattr(layer, "weight"))
    layers[last] = _first_half(layers[last])
    return nn.Sequential(*layers)


def _first_half(layer: nn.Module) -> nn.Module:
    """A dense layer, or a convolution of kernel 1, that computes half the outputs of `layer`."""
    half: nn.Module
    with torch.device("meta"):  # its own weights are never made
        if isinstance(layer, nn.Linear):
            half = nn.Linear(layer.in_features, layer.out_features // 2)
        elif isinstance(layer, nn.Conv2d):
            half = nn.Conv2d(layer.in_channels, layer.out_channels // 2, kernel_size=1)
        else:
            raise TypeError(f"a code ends in a dense layer or a convolution, not in {layer}")
    for name, weight in layer.named_parameters():
        kept = nn.Parameter(weight[: len(weight) // 2], requires_grad=False)
        setattr(half, name, kept)
    return half
