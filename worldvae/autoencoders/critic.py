"""What a reconstruction is judged by beside its pixels: the features of a second autoencoder."""

from __future__ import annotations

from typing import Protocol, Self

import torch
from torch import Tensor

from worldvae.autoencoders.posterior import Posterior
from worldvae.errors import ConfigError


class ImageEncoder(Protocol):
    """What a critic needs of an autoencoder."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(H, W, stack C) of what it encodes."""

    def encode_images(self, images: Tensor, /) -> Posterior:
        """(B, stack C, H, W) in [0, 1] -> the posterior of each."""

    def eval(self) -> Self:
        """Switch to evaluation for good."""

    def requires_grad_(self, wanted: bool, /) -> Self:
        """Say whether its weights are learnt."""

    def to(self, device: torch.device, /) -> Self:
        """Move its weights to `device`."""


class Critic:
    """A frozen autoencoder of single frames; no Module, so that it is neither trained nor saved.

    Args:
        shape: (H, W, C) of the frames that it has to judge; ConfigError if it encodes others.
    """

    def __init__(self, model: ImageEncoder, shape: tuple[int, int, int]) -> None:
        if model.input_shape != shape:
            raise ConfigError(
                f"the critic encodes {model.input_shape}, the model decodes {shape}; "
                "train the critic on single frames of the same store"
            )
        self._model = model.eval().requires_grad_(False)

    def distance(self, image: Tensor, target: Tensor) -> Tensor:
        """Half the squared distance of the features, mean over the batch: (B, C, H, W) twice -> ().

        DARLA (Higgins et al., 2017).
        """
        model = self._model.to(image.device)
        seen, wanted = (model.encode_images(images).mean for images in (image, target))
        return 0.5 * (seen - wanted).square().sum(1).mean()
