"""What an autoencoder is trained for, as a config value: the terms of its loss."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from worldvae.autoencoders.window import Window
from worldvae.config import Config

# With it the Gaussian likelihood is the squared error plus a constant. An objective that has no use
# for sigma holds it, so that encoders saved when it was the default for all stay what they were.
SQRT_HALF = 0.7071

Variational = Literal["vae", "beta_vae", "capacity_vae", "beta_tcvae", "dip_vae"]


class ObjectiveConfig(Config):
    """distortion + perceptual distance + what the code costs; every term combines with any other.

    docs/encoders.md says which to try when.
    """

    name: Literal["ae", "dae"] | Variational = Field(
        "beta_vae",
        alias="objective",
        description="What the code costs. ae, dae: nothing; vae: KL; beta_vae: beta KL; "
        "capacity_vae: gamma |KL - C|, C rising to capacity (Burgess et al., 2018); beta_tcvae: "
        "beta weighs the total correlation alone (Chen et al., 2018); dip_vae: beta KL + dip "
        "times the covariance's distance from the identity (Kumar et al., 2018).",
    )
    beta: float = Field(1.0, ge=0, description="Weight of the KL (Higgins et al., 2017).")
    beta_schedule: Literal["constant", "linear", "cyclic"] = Field(
        "constant",
        description="linear: beta grows from 0 over beta_steps; cyclic: in each beta_steps it "
        "grows for one half and stays for the other (Fu et al., 2019).",
    )
    beta_steps: int = Field(1_000, ge=1, description="Optimiser steps of the schedule.")
    free_bits: float = Field(
        0.0, ge=0, description="Nats per latent that cost nothing (Kingma et al., 2016)."
    )
    capacity: float = Field(25.0, ge=0, description="capacity_vae: nats that C rises to.")
    capacity_steps: int = Field(1_000, ge=1, description="capacity_vae: steps it takes to.")
    gamma: float = Field(
        100.0,
        gt=0,
        description="capacity_vae: weight of |KL - C|; too large a one fills C before the code "
        "tells anything (10 learned where 30 did not; docs/encoders.md).",
    )
    dip: float = Field(10.0, gt=0, description="dip_vae: weight of the covariance's distance.")
    likelihood: Literal["gaussian", "bernoulli"] = Field(
        "gaussian", description="Distribution of a pixel given the latents."
    )
    sigma: float | Literal["learned"] = Field(
        "learned",
        description="Standard deviation of a pixel given the latents, in units of its own over "
        "the training frames (without standardise: where black is 0 and white is 1); 'learned' "
        "fits one for all pixels (sigma-VAE; Rybkin et al., 2021).",
    )
    standardise: bool = Field(
        True,
        description="Measure each pixel, at the input and in the loss, in units of its own "
        "standard deviation over the training frames: rare small objects weigh as much as others "
        "(gaussian pixels only).",
    )
    motion_weight: float = Field(
        0.0, ge=0, description="Added to the weight of pixels that moved since the frame before."
    )
    predict: int = Field(
        0, ge=0, le=16, description="Decode the frame so many decisions after the input."
    )
    actions: bool = Field(
        False, description="predict: tell the decoder the actions taken in between."
    )
    pixel_weight: float = Field(
        1.0, ge=0, description="Weight of the pixels' distortion; 0 leaves the perceptual term."
    )
    perceptual: float = Field(
        0.0,
        ge=0,
        description="Weight of the distance between target and reconstruction in the features "
        "of a denoising autoencoder that is trained first (DARLA; Higgins et al., 2017).",
    )
    noise: float = Field(
        0.0,
        ge=0,
        le=2,
        description="Standard deviation of the input noise, in units as those of sigma (dae: 0.1).",
    )
    mask: float = Field(0.0, ge=0, lt=1, description="Share of the input's pixels that are hidden.")

    @property
    def is_variational(self) -> bool:
        """Whether the code is a distribution with a KL, or a point."""
        return self.name not in ("ae", "dae")

    def window(self, stack: int) -> Window:
        """The frames that one example needs."""
        return Window(stack, self.predict, with_previous=self.motion_weight > 0)

    def beta_at(self, step: int | None) -> float:
        """The weight of the KL at `step` (the first is 0); None: once its schedule is over."""
        if step is None or self.beta_schedule == "constant":
            return self.beta
        if self.beta_schedule == "linear":
            return self.beta * min(1.0, step / self.beta_steps)
        return self.beta * min(1.0, 2 * (step % self.beta_steps) / self.beta_steps)

    def capacity_at(self, step: int | None) -> float:
        """C at `step`, in nats: capacity min(1, step / capacity_steps); None: at the end."""
        return self.capacity * (1.0 if step is None else min(1.0, step / self.capacity_steps))

    @model_validator(mode="before")
    @classmethod
    def _defaults_that_fit(cls, values: Any) -> Any:
        """Defaults of one key that depend on another."""
        if not isinstance(values, dict):
            return values
        fitting: dict[str, Any] = {}
        if "dae" in (values.get("name"), values.get("objective")) and "mask" not in values:
            fitting["noise"] = 0.1
        if values.get("likelihood") == "bernoulli":
            fitting |= {"sigma": SQRT_HALF, "standardise": False}
        if values.get("pixel_weight") == 0:
            fitting["sigma"] = SQRT_HALF
        return {**fitting, **values}

    @field_validator("sigma", mode="before")
    @classmethod
    def _number_or_learned(cls, value: Any) -> Any:
        if value != "learned" and not (isinstance(value, int | float) and value > 0):
            raise ValueError("expected a number above 0 or 'learned'")
        return value

    @model_validator(mode="after")
    def _no_idle_field(self) -> ObjectiveConfig:
        """A field that would do nothing is an error: it promises what the loss does not keep."""
        if self.name == "vae" and self.beta != 1:
            raise ValueError(f"vae means beta 1, got {self.beta}; use objective: beta_vae")
        for field, users in USED_BY.items():
            is_idle = getattr(self, field) != type(self).model_fields[field].default
            if is_idle and self.name not in users:
                raise ValueError(f"{self.name} has no use for {field}: it needs {_either(users)}")
        if self.name == "dae" and not (self.noise or self.mask):
            raise ValueError("dae needs noise or mask above 0; use objective: ae for a clean input")
        if self.name == "ae" and (self.noise or self.mask):
            raise ValueError("ae sees clean input: noise and mask need objective: dae")
        if self.beta_schedule == "constant" and self.beta_steps != BETA_STEPS:
            raise ValueError("beta_steps needs beta_schedule: linear or cyclic")
        return self._no_idle_pixels()

    def _no_idle_pixels(self) -> ObjectiveConfig:
        if self.likelihood == "bernoulli" and self.sigma != SQRT_HALF:
            raise ValueError("a bernoulli pixel has no sigma; use likelihood: gaussian")
        if self.likelihood == "bernoulli" and self.standardise:
            raise ValueError("a bernoulli pixel has no unit; standardise needs likelihood gaussian")
        if self.actions and not self.predict:
            raise ValueError("actions are taken between frames: they need predict above 0")
        if not self.pixel_weight and not self.perceptual:
            raise ValueError("nothing is to be reconstructed: pixel_weight or perceptual above 0")
        if not self.pixel_weight and (self.motion_weight or self.sigma == "learned"):
            raise ValueError("motion_weight and a learned sigma need pixel_weight above 0")
        return self


BETA_STEPS = ObjectiveConfig.model_fields["beta_steps"].default

_WITH_BETA = ("beta_vae", "beta_tcvae", "dip_vae")
# Which objectives a field belongs to; for the others it must keep its default.
USED_BY: dict[str, tuple[str, ...]] = {
    "beta": ("vae", *_WITH_BETA),
    "beta_schedule": ("vae", *_WITH_BETA),
    "free_bits": ("vae", "beta_vae", "dip_vae"),
    "capacity": ("capacity_vae",),
    "capacity_steps": ("capacity_vae",),
    "gamma": ("capacity_vae",),
    "dip": ("dip_vae",),
}


def _either(names: tuple[str, ...]) -> str:
    return "objective: " + " or ".join(names)
