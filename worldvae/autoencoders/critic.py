"""The perceptual term: a second autoencoder compares a reconstruction with its target."""

from __future__ import annotations

from typing import Protocol, Self

import torch
from torch import Tensor

from worldvae.autoencoders.posterior import Posterior
from worldvae.errors import ConfigError


class ImageEncoder(Protocol):
    """The methods of an autoencoder that a critic uses."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Return (H, W, stack C), the shape of one input."""

    def encode_images(self, images: Tensor, /) -> Posterior:
        """Encode (B, stack C, H, W) in [0, 1]."""

    def eval(self) -> Self:
        """Switch to evaluation."""

    def requires_grad_(self, wanted: bool, /) -> Self:
        """Say whether the weights get gradients."""

    def to(self, device: torch.device, /) -> Self:
        """Move the weights to `device`."""


class Critic:
    """A frozen autoencoder of single frames that measures how unlike two images are.

    It is no Module, so that a model which holds one neither trains nor saves it.

    Args:
        model: The autoencoder; ConfigError if it encodes anything but frames of `shape`.
        shape: (H, W, C) of the frames that it has to compare.
    """

    def __init__(self, model: ImageEncoder, shape: tuple[int, int, int]) -> None:
        if model.input_shape != shape:
            raise ConfigError(
                f"the critic encodes {model.input_shape}, the model decodes {shape}; "
                "train the critic on single frames of the same store"
            )
        self._model = model.eval().requires_grad_(False)

    def distance(self, image: Tensor, target: Tensor) -> Tensor:
        """Return half the squared distance of the codes, mean over the batch: (B, C, H, W) twice ->
        ().

        DARLA (Higgins et al., 2017).
        """
        model = self._model.to(image.device)
        seen, wanted = (model.encode_images(images).mean for images in (image, target))
        return 0.5 * (seen - wanted).square().sum(1).mean()
