"""The settings of an autoencoder: its network, its objective, and how long it is trained."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from worldvae.autoencoders.objectives import DAE, BetaVAE, Objective
from worldvae.autoencoders.pixel_error import GaussianPixels, PixelError
from worldvae.autoencoders.window import Window
from worldvae.config import Config
from worldvae.training.config import FitConfig

SMALLEST_SIDE = 32  # of a frame, in pixels


class NetworkConfig(Config):
    """The size of encoder and decoder; by default World Models' (Ha & Schmidhuber, 2018)."""

    latents: int = Field(32, ge=1, le=4096, description="Latents Z of one frame.")
    channels: tuple[Annotated[int, Field(ge=1, le=2_048)], ...] = Field(
        (32, 64, 128, 256),
        min_length=1,
        max_length=5,
        description="Filters of each convolution (kernel 4, stride 2); the decoder mirrors them.",
    )
    first_stride: Literal[2, 4] = Field(
        2,
        description="Stride of the first convolution, half its kernel. 4 folds blocks of 2 x 2 "
        "pixels into channels first (space to depth): all that follows has a quarter of the work.",
    )
    code: Literal["vector", "grid", "keypoints"] = Field(
        "vector",
        description="vector: a dense layer; grid: latents / cells of them at each cell of the "
        "last feature map, for scenes of many objects; keypoints: a dense layer on the places "
        "where feature maps peak (spatial softmax), for few small objects.",
    )
    stack: int = Field(1, ge=1, le=8, description="Frames, the newest last, that make one input.")

    @property
    def strides(self) -> tuple[int, ...]:
        """Return the stride of each convolution."""
        return (self.first_stride, *(2 for _ in self.channels[1:]))

    @model_validator(mode="after")
    def _fits_the_smallest_frame(self) -> NetworkConfig:
        if math.prod(self.strides) > SMALLEST_SIDE:
            raise ValueError(
                f"{len(self.channels)} channels with first_stride {self.first_stride} leave "
                f"nothing of {SMALLEST_SIDE} pixels; take one less, or first_stride 2"
            )
        return self


# A thirteenth of the default's work for a frame of 64 x 64 x 3; docs/encoders.md compares them.
LEAN = NetworkConfig(channels=(16, 64), first_stride=4)


class AutoencoderConfig(Config):
    """The network of an autoencoder, and the loss that it is trained with."""

    network: NetworkConfig = Field(NetworkConfig(), description="Sizes of the layers.")
    objective: Objective = Field(BetaVAE(), description="What the code costs.")
    pixels: PixelError = Field(GaussianPixels(), description="What a reconstruction costs.")

    @property
    def window(self) -> Window:
        """Return which frames make one example."""
        return self.pixels.window(self.network.stack)


class PretrainConfig(NetworkConfig, FitConfig):
    """All of pretraining in one section: the network, what it is trained for, and how long."""

    objective: Objective = Field(
        BetaVAE(), description="What the code costs; `--pretrain.objective vae` names one."
    )
    pixels: PixelError = Field(
        GaussianPixels(), description="What a reconstruction is compared with, and how."
    )

    @property
    def network(self) -> NetworkConfig:
        """The part that decides the layers."""
        return self.part(NetworkConfig)

    @property
    def autoencoder(self) -> AutoencoderConfig:
        """The part that decides the model."""
        return AutoencoderConfig(network=self.network, objective=self.objective, pixels=self.pixels)

    @property
    def fitting(self) -> FitConfig:
        """The part that decides how it is trained."""
        return self.part(FitConfig)

    @property
    def without_warm_up(self) -> PretrainConfig:
        """The same objective as it is once its schedules are over."""
        return self.model_copy(update={"objective": self.objective.without_warm_up})

    @property
    def critic(self) -> PretrainConfig:
        """What the autoencoder is made with whose features the perceptual term compares.

        It is a denoising one of single frames, with the same layers and trained for as many steps;
        of a wall-clock limit it may take half.
        """
        pixels = GaussianPixels(standardise=self.pixels.standardise)
        minutes = None if self.max_minutes is None else self.max_minutes / 2
        own = {"stack": 1, "objective": DAE(), "pixels": pixels, "max_minutes": minutes}
        return self.model_copy(update=own)
