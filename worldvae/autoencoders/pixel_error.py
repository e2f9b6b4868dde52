"""What a reconstruction is compared with, and how: the part of the loss that is about pixels."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from worldvae.autoencoders.window import Window
from worldvae.config import Config
from worldvae.fields import Variants

SQRT_HALF = 0.7071
"""With this sigma the Gaussian likelihood is the squared error plus a constant."""


class AnyPixels(Config):
    """What is to be decoded, and what it is judged by beside its pixels."""

    likelihood: str = Field(description="Distribution of a pixel given the latents.")
    predict: int = Field(
        0, ge=0, le=16, description="Decode the frame so many decisions after the input."
    )
    actions: bool = Field(
        False, description="predict: tell the decoder the actions taken in between."
    )

    @model_validator(mode="after")
    def _actions_lie_ahead(self) -> Self:
        if self.actions and not self.predict:
            raise ValueError("actions are taken between frames: they need predict above 0")
        return self


class Weighed(AnyPixels):
    """Pixels that count."""

    weight: float = Field(1.0, gt=0, description="Weight of the pixels' distortion.")
    motion_weight: float = Field(
        0.0, ge=0, description="Added to the weight of pixels that moved since the frame before."
    )
    perceptual: float = Field(
        0.0,
        ge=0,
        description="Weight of the distance between target and reconstruction in the features "
        "of a denoising autoencoder that is trained first (DARLA; Higgins et al., 2017).",
    )

    def window(self, stack: int) -> Window:
        """Return which frames one example needs."""
        return Window(stack, self.predict, with_previous=self.motion_weight > 0)


class WithUnits(Config):
    """Pixels that may be measured in units of their own."""

    standardise: bool = Field(
        True,
        description="Measure each pixel, at the input and in the loss, in units of its own "
        "standard deviation over the training frames: rare small objects weigh as much as others.",
    )


class GaussianPixels(WithUnits, Weighed):
    """A pixel is Gaussian around the decoder's output."""

    likelihood: Literal["gaussian"] = "gaussian"
    sigma: float | Literal["learned"] = Field(
        "learned",
        description="Standard deviation of a pixel given the latents, in units of its own over "
        "the training frames (without standardise: where black is 0 and white is 1); 'learned' "
        "fits one for all pixels (sigma-VAE; Rybkin et al., 2021).",
    )

    @field_validator("sigma", mode="before")
    @classmethod
    def _number_or_learned(cls, value: Any) -> Any:
        if value != "learned" and not (isinstance(value, int | float) and value > 0):
            raise ValueError("expected a number above 0 or 'learned'")
        return value


class BernoulliPixels(Weighed):
    """A pixel is the chance of white; it has neither a sigma nor a unit."""

    sigma: ClassVar[None] = None
    standardise: ClassVar[bool] = False

    likelihood: Literal["bernoulli"] = "bernoulli"


class NoPixels(WithUnits, AnyPixels):
    """Pixels count nothing: only the features of a denoising autoencoder are compared."""

    sigma: ClassVar[float] = SQRT_HALF
    weight: ClassVar[float] = 0.0
    motion_weight: ClassVar[float] = 0.0

    likelihood: Literal["none"] = "none"
    perceptual: float = Field(
        1.0,
        gt=0,
        description="Weight of the distance between target and reconstruction in the features "
        "of a denoising autoencoder that is trained first (DARLA; Higgins et al., 2017).",
    )

    def window(self, stack: int) -> Window:
        """Return which frames one example needs."""
        return Window(stack, self.predict)


BY_LIKELIHOOD = Variants("likelihood", default="gaussian")

PixelError = Annotated[
    Annotated[GaussianPixels, Tag("gaussian")]
    | Annotated[BernoulliPixels, Tag("bernoulli")]
    | Annotated[NoPixels, Tag("none")],
    Discriminator(BY_LIKELIHOOD.word_of),
    BeforeValidator(BY_LIKELIHOOD.spelled_out),
    BY_LIKELIHOOD,
]
"""One of them; a mapping without a likelihood is gaussian, and a bare word is a likelihood."""
