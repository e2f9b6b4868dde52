"""What an autoencoder's code costs: a small model of settings for each objective.

docs/encoders.md says which to try when.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from worldvae.config import Config
from worldvae.fields import Variants

Number = Any
"""A Python number, or a torch tensor () of it; who reads a configuration need not import torch."""


class AnyObjective(Config):
    """What all objectives have."""

    is_variational: ClassVar[bool] = True
    """Whether the code is a distribution with a KL, or a point."""

    name: str = Field(description="What the code costs.")

    @property
    def without_warm_up(self) -> Self:
        """The objective as it is once its schedules are over."""
        return self


class Corrupted(AnyObjective):
    """An objective that can damage the input and have the clean frame decoded."""

    noise: float = Field(
        0.0,
        ge=0,
        le=2,
        description="Standard deviation of the input noise, in units as those of sigma.",
    )
    mask: float = Field(0.0, ge=0, lt=1, description="Share of the input's pixels that are hidden.")


class WithSchedule(Corrupted):
    """An objective whose KL has the weight beta, which may grow first."""

    beta_schedule: Literal["constant", "linear", "cyclic"] = Field(
        "constant",
        description="linear: beta grows from 0 over beta_steps; cyclic: in each beta_steps it "
        "grows for one half and stays for the other (Fu et al., 2019).",
    )
    beta_steps: int = Field(1_000, ge=1, description="Optimiser steps of the schedule.")

    @property
    def without_warm_up(self) -> Self:
        return self.model_copy(update={"beta_schedule": "constant", "beta_steps": BETA_STEPS})

    def share_at(self, step: Number | None) -> Number:
        """Return the share of beta that counts at `step`, from 0 on; None is the schedule's end."""
        if step is None or self.beta_schedule == "constant":
            return 1.0
        if self.beta_schedule == "linear":
            return _at_most_1(step / self.beta_steps)
        return _at_most_1(2 * (step % self.beta_steps) / self.beta_steps)

    @model_validator(mode="after")
    def _schedule_has_steps(self) -> Self:
        if self.beta_schedule == "constant" and self.beta_steps != BETA_STEPS:
            raise ValueError("beta_steps needs beta_schedule: linear or cyclic")
        return self


BETA_STEPS = WithSchedule.model_fields["beta_steps"].default


class WithBeta(WithSchedule):
    """An objective whose beta is a setting, so that a sweep can choose it."""

    beta: float = Field(1.0, ge=0, description="Weight of the KL (Higgins et al., 2017).")

    def beta_at(self, step: Number | None) -> Number:
        """Return the weight of the KL at `step`, from 0 on; None is the schedule's end."""
        return self.beta * self.share_at(step)


class WithFreeBits(Config):
    """An objective of which each latent may carry a little for nothing."""

    free_bits: float = Field(
        0.0, ge=0, description="Nats per latent that cost nothing (Kingma et al., 2016)."
    )


class AE(AnyObjective):
    """The code costs nothing, the input is clean."""

    is_variational: ClassVar[bool] = False
    noise: ClassVar[float] = 0.0
    mask: ClassVar[float] = 0.0

    name: Literal["ae"] = "ae"


class DAE(Corrupted):
    """The code costs nothing; the input is damaged, by noise of 0.1 if nothing else is said."""

    is_variational: ClassVar[bool] = False

    name: Literal["dae"] = "dae"
    noise: float = Field(
        0.1,
        ge=0,
        le=2,
        description="Standard deviation of the input noise, in units as those of sigma "
        "(where mask is given: 0).",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_damage_is_enough(cls, values: Any) -> Any:
        if isinstance(values, dict) and "mask" in values:
            return {"noise": 0.0, **values}
        return values

    @model_validator(mode="after")
    def _is_damaged(self) -> DAE:
        if not (self.noise or self.mask):
            raise ValueError("dae needs noise or mask above 0; use objective: ae for a clean input")
        return self


class VAE(WithFreeBits, WithSchedule):
    """The code costs its KL to the prior (Kingma & Welling, 2014)."""

    name: Literal["vae"] = "vae"

    def beta_at(self, step: Number | None) -> Number:
        """Return the weight of the KL at `step`, which is 1 at the schedule's end (None)."""
        return self.share_at(step)


class BetaVAE(WithFreeBits, WithBeta):
    """The code costs beta times its KL (Higgins et al., 2017)."""

    name: Literal["beta_vae"] = "beta_vae"


class CapacityVAE(Corrupted):
    """The code costs gamma |KL - C|, where C rises to `capacity` (Burgess et al., 2018)."""

    name: Literal["capacity_vae"] = "capacity_vae"
    capacity: float = Field(25.0, ge=0, description="Nats that C rises to.")
    capacity_steps: int = Field(1_000, ge=1, description="Optimiser steps that C takes to.")
    gamma: float = Field(
        100.0,
        gt=0,
        description="Weight of |KL - C|; too large a one fills C before the code tells anything "
        "(10 learned where 30 did not; docs/encoders.md).",
    )

    @property
    def without_warm_up(self) -> CapacityVAE:
        return self.model_copy(update={"capacity_steps": 1})

    def capacity_at(self, step: Number | None) -> Number:
        """Return C in nats: capacity min(1, step / capacity_steps); None is the schedule's end.

        A schedule of one step has none: its first step costs what all others do.
        """
        if step is None or self.capacity_steps == 1:
            return self.capacity
        return self.capacity * _at_most_1(step / self.capacity_steps)


class BetaTCVAE(WithBeta):
    """The code costs its KL, of which beta weighs the total correlation (Chen et al., 2018)."""

    name: Literal["beta_tcvae"] = "beta_tcvae"


class DIPVAE(WithFreeBits, WithBeta):
    """As beta_vae, and dip times the covariance's distance from identity (Kumar et al., 2018)."""

    name: Literal["dip_vae"] = "dip_vae"
    dip: float = Field(10.0, gt=0, description="Weight of the covariance's distance.")


def _at_most_1(share: Number) -> Number:
    return min(1.0, share) if isinstance(share, float) else share.clamp(max=1)


BY_NAME = Variants("name", default="beta_vae")

Objective = Annotated[
    Annotated[AE, Tag("ae")]
    | Annotated[DAE, Tag("dae")]
    | Annotated[VAE, Tag("vae")]
    | Annotated[BetaVAE, Tag("beta_vae")]
    | Annotated[CapacityVAE, Tag("capacity_vae")]
    | Annotated[BetaTCVAE, Tag("beta_tcvae")]
    | Annotated[DIPVAE, Tag("dip_vae")],
    Discriminator(BY_NAME.word_of),
    BeforeValidator(BY_NAME.spelled_out),
    BY_NAME,
]
"""One of them; a mapping without a name is a beta_vae, and a bare word is a name."""
