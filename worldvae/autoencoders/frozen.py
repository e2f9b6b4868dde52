"""The layers of an autoencoder that an agent needs: those from frames to posterior means."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from worldvae.autoencoders.model import Autoencoder
from worldvae.autoencoders.pixels import to_float


class FrozenEncoder(nn.Module):
    """Encodes frames as `model.encode` does: (B, H, W, stack C) uint8 -> means (B, Z) float32.

    It shares the weights of `model`, and leaves out those of the log variance unless
    `with_variance`, which makes the output (B, 2 Z) for a variational model.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, model: Autoencoder, with_variance: bool = False) -> None:
        super().__init__()
        stack = model.config.network.stack
        self._standardises = model.config.pixels.standardise
        self.register_buffer("pixel_mean", model.pixel_mean.repeat(stack, 1, 1))
        self.register_buffer("pixel_std", model.pixel_std.repeat(stack, 1, 1))
        has_spare = model.config.objective.is_variational and not with_variance
        self.layers = _mean_alone(model.encoder) if has_spare else model.encoder
        self.eval()

    @property
    def units(self) -> tuple[Tensor, Tensor] | None:
        """Return mean and standard deviation of each pixel, (stack C, H, W) in [0, 1].

        None for a model that does not standardise.
        """
        return (self.pixel_mean, self.pixel_std) if self._standardises else None

    def forward(self, frames: Tensor) -> Tensor:
        images = to_float(frames)
        if self._standardises:
            images = (images - self.pixel_mean) / self.pixel_std
        codes: Tensor = self.layers(images)
        return codes.float()


class TrainableEncoder(nn.Module):
    """A copy of a frozen encoder that learns on: (B, H, W, n C) in [0, 255] -> (B, Z) whitened.

    Args:
        frozen: The layers to copy.
        frames: n, how many frames one input holds.
        mean, scale: Units of the latents, (Z,) each; they stay those of pretraining.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, frozen: FrozenEncoder, frames: int, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.frames, self.latents = frames, len(mean)
        layers = copy.deepcopy(frozen).cpu().train().requires_grad_(True)
        # Orthogonal weights, which Stable-Baselines3 draws, are written in this order alone.
        self.layers = layers.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def forward(self, frames: Tensor) -> Tensor:
        latents: Tensor = (self.layers(frames) - self.mean) / self.scale
        return latents


def _mean_alone(encoder: nn.Sequential) -> nn.Sequential:
    """Return the same layers, the last of which computes the means but not the variances."""
    layers = list(encoder)
    last = max(place for place, layer in enumerate(layers) if hasattr(layer, "weight"))
    layers[last] = _first_half(layers[last])
    return nn.Sequential(*layers)


def _first_half(layer: nn.Module) -> nn.Module:
    """Return a dense or 1 x 1 convolutional layer with the first half of the outputs of `layer`."""
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
