"""The first layers of a policy: an encoder, or what joins the keys of a Dict."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Self

import torch
from gymnasium import spaces
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.torch_layers import (
    BaseFeaturesExtractor,
    CombinedExtractor,
    NatureCNN,
)
from torch import Tensor, nn

from worldvae.autoencoders.frozen import TrainableEncoder
from worldvae.errors import ConfigError
from worldvae.symlog import symlog


def check_keys(space: spaces.Space[Any]) -> None:
    """Raise ConfigError if a key of a Dict `space` cannot be the name of a torch module."""
    keys = space.spaces if isinstance(space, spaces.Dict) else ()
    taken = [key for key in keys if "." in key or hasattr(nn.ModuleDict(), key)]
    if taken:
        raise ConfigError(
            f"the observation's {', '.join(taken)}: policies cannot have parts of that name (no "
            "dots, and none of torch's own); rename it in the environment"
        )


def check_grey_levels(normalized_image: bool) -> None:
    """Raise ConfigError unless a policy leaves grey levels to the encoder, which scales them."""
    if not normalized_image:
        raise ConfigError(
            "an encoder takes grey levels from 0 to 255, not divided by 255: give the policy "
            "normalize_images=False (in policy_kwargs)"
        )


class EncoderFeatures(NatureCNN):
    """The first layers of a policy: a pretrained encoder that goes on learning with the policy.

    Pass it to a policy as `features_extractor_class` with `normalize_images=False`. The policy
    begins with the encoder's weights, not with the random orthogonal ones that Stable-Baselines3
    gives to first layers.

    Args:
        observation_space: Box ((k + n - 1) C, H, W) uint8, which holds k overlapping inputs of n
            frames each.
        encoder: The result of `Encoder.trainable()`; it is copied.
        stack: k, how many latents make the features: (B, k Z).
        normalized_image: What a policy tells with `normalize_images=False`; it tells no classes but
            `NatureCNN`, of which nothing else is used, `CombinedExtractor`, and those below them.

    Raises ConfigError if the policy would divide grey levels by 255, as the encoder does itself.
    """

    def __init__(
        self,
        observation_space: spaces.Box,
        encoder: TrainableEncoder,
        stack: int,
        normalized_image: bool = False,
    ) -> None:
        check_grey_levels(normalized_image)
        BaseFeaturesExtractor.__init__(self, observation_space, stack * encoder.latents)
        self._stack = stack
        self._channels = observation_space.shape[0] // (stack + encoder.frames - 1)
        self.encoder = copy.deepcopy(encoder)

    def apply(self, fn: Callable[[nn.Module], None]) -> Self:
        """Apply `fn`, with which a policy draws its first weights; the encoder keeps its own."""
        weights = copy.deepcopy(self.encoder.state_dict())
        super().apply(fn)
        self.encoder.load_state_dict(weights)
        return self

    def forward(self, observations: Tensor) -> Tensor:
        """Encode each of the k inputs: (B, (k + n - 1) C, H, W) in [0, 255] -> (B, k Z)."""
        width = self.encoder.frames * self._channels
        starts = range(0, self._stack * self._channels, self._channels)
        inputs = [observations[:, start : start + width] for start in starts]
        frames = torch.stack(inputs, 1).flatten(0, 1).permute(0, 2, 3, 1)
        return self.encoder(frames).reshape(-1, self.features_dim)  # type: ignore[no-any-return]


class KeyFeatures(CombinedExtractor):
    """Joins the keys of a Dict; with `symlog_keys` numbers beside the image are read as symlog(x).

    A health of 100 then does not drown latents of about 1.
    """

    def __init__(
        self,
        observation_space: spaces.Dict,
        image_key: str,
        symlog_keys: bool = True,
        normalized_image: bool = False,
    ) -> None:
        super().__init__(observation_space, normalized_image=normalized_image)
        vectors = [key for key, part in observation_space.items() if not is_image_space(part)]
        self._compressed = [key for key in vectors if symlog_keys and key != image_key]

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Return the features of all keys: a Dict of (B, ...) -> (B, D)."""
        read = {key: symlog(observations[key].float()) for key in self._compressed}
        return super().forward({**observations, **read})


class CombinedEncoderFeatures(KeyFeatures):
    """`EncoderFeatures` of the image under `image_key` of a Dict, joined with its other keys.

    Other images are scaled to [0, 1] before their convolutions, as in any policy of
    Stable-Baselines3. Raises ConfigError as `EncoderFeatures` does.
    """

    def __init__(
        self,
        observation_space: spaces.Dict,
        encoder: TrainableEncoder,
        stack: int,
        image_key: str,
        symlog_keys: bool = False,
        normalized_image: bool = False,
    ) -> None:
        others = {key: part for key, part in observation_space.items() if key != image_key}
        super().__init__(spaces.Dict(others), image_key, symlog_keys, normalized_image)
        space = observation_space[image_key]
        assert isinstance(space, spaces.Box)
        image = EncoderFeatures(space, encoder, stack, normalized_image)
        self.extractors[image_key] = image
        self._features_dim += image.features_dim
        self._other_images = [key for key, part in others.items() if is_image_space(part)]

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Return the features of all keys: a Dict of (B, ...), images in [0, 255] -> (B, D)."""
        scaled = {key: observations[key] / 255 for key in self._other_images}
        return super().forward({**observations, **scaled})
