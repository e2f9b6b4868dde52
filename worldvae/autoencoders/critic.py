"""What a reconstruction is judged by beside its pixels: the features of a second autoencoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from worldvae.errors import ConfigError

if TYPE_CHECKING:
    from worldvae.autoencoders.model import Autoencoder


class Critic:
    """A frozen autoencoder of single frames; no Module, so that it is neither trained nor saved.

    Args:
        shape: (H, W, C) of the frames that it has to judge; ConfigError if it sees others.
    """

    def __init__(self, model: Autoencoder, shape: tuple[int, int, int]) -> None:
        stack = model.config.network.stack
        if (model.shape, stack) != (shape, 1):
            raise ConfigError(
                f"the critic sees {stack} x {model.shape}, the model decodes 1 x {shape}; "
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
