"""The settings of latent dynamics, of how they are trained, and of the dream that they make."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from worldvae.config import Config
from worldvae.training.config import FitConfig

Starts = Literal["any", "first"]
"""Where dreams begin: at any real frame, or at the first frame of an episode."""

KEPT_STARTS, KEPT_BURN_IN = 4_096, 32
"""Starts of dreams that a folder of dynamics keeps of each split, and real steps before each."""


class DynamicsNetwork(Config):
    """The layers of latent dynamics (Ha & Schmidhuber, 2018; their memory is an LSTM of 256)."""

    core: Literal["gru", "lstm"] = Field(
        "gru", description="What remembers: a GRU or an LSTM, both with layer normalisation."
    )
    memory: int = Field(
        256,
        ge=2,
        le=8_192,
        description="Numbers M of the memory, which are shown in units of their own deviation.",
    )
    hidden: int = Field(
        256, ge=1, le=8_192, description="Units of the layer between memory and predictions."
    )
    head: Literal["mixture", "gaussian", "categorical"] = Field(
        "mixture",
        description="Distribution of each latent's change: a mixture of Gaussians, one Gaussian, "
        "or classes between its quantiles.",
    )
    components: int = Field(5, ge=1, le=64, description="mixture: Gaussians of each latent.")
    bins: int = Field(
        64, ge=3, le=1_024, description="categorical: classes; of keys at most as many, too."
    )
    members: int = Field(
        1, ge=1, le=32, description="Networks that are trained side by side and may disagree."
    )


class DynamicsObjective(Config):
    """What latent dynamics are trained for."""

    own_samples: float = Field(
        1.0,
        ge=0,
        description="Weight of the predictions of ends, rewards and keys from latents that the "
        "dynamics have sampled themselves, as in a dream; 0: trained on real latents alone.",
    )
    observed: int = Field(
        8, ge=1, description="Real steps of a window before it goes on with own samples."
    )
    sample_codes: bool = Field(
        False,
        description="Read latents drawn from the encoder's posterior in place of its means, which "
        "agents observe and which are predicted either way.",
    )
    input_noise: float = Field(
        0.1, ge=0, le=10, description="Deviation of the noise on latents that are read."
    )
    end_weight: float = Field(
        10.0,
        ge=1,
        le=10_000,
        description="Weight of the rare ends in the loss; sampled ends keep their true rate.",
    )
    key_weight: float = Field(1.0, ge=0, description="Weight of the keys beside the frame.")
    reward_weight: float = Field(1.0, ge=0, description="Weight of the reward.")


class DynamicsConfig(DynamicsNetwork, DynamicsObjective, FitConfig):
    """All of learning the dynamics in one section: the network, its objective, and how long."""

    window: int = Field(32, ge=2, le=4_096, description="Decisions in one training window.")
    steps: int = Field(5_000, ge=1, description="Optimiser steps at most.")
    batch_size: int = Field(64, ge=1, le=65_536, description="Windows per step.")
    validation_frames: int = Field(2_000, ge=1, description="Held-out windows per evaluation.")
    learning_rate: float = Field(2e-3, gt=0, description="Adam's step size.")

    @property
    def network(self) -> DynamicsNetwork:
        """The part that decides the layers."""
        return self.part(DynamicsNetwork)

    @property
    def objective(self) -> DynamicsObjective:
        """The part that decides the loss."""
        return self.part(DynamicsObjective)

    @property
    def fitting(self) -> FitConfig:
        """The part that decides how long and how fast it is trained."""
        return self.part(FitConfig)

    @model_validator(mode="after")
    def _window_has_samples(self) -> DynamicsConfig:
        if self.observed >= self.window:
            raise ValueError(
                f"observed {self.observed} leaves nothing of a window of {self.window}; use less"
            )
        return self


class DreamSettings(Config):
    """How dreams begin, go on and end."""

    horizon: int = Field(
        200, ge=1, le=10**6, description="Decisions after which a dream is truncated."
    )
    temperature: float = Field(
        1.0,
        ge=0,
        le=10,
        description="Spread of the sampled latents; 0: always the mode (Ha & Schmidhuber, 2018). "
        "Ends and keys have their true rates at any temperature.",
    )
    starts: Starts = Field(
        "any", description="Where dreams begin: at any real frame, or at first frames of episodes."
    )
    burn_in: int = Field(16, ge=0, le=4_096, description="Real steps remembered before a start.")
    bank: int = Field(
        KEPT_STARTS,
        ge=1,
        le=10**6,
        description=f"Starts at most, spread evenly; a folder of dynamics keeps {KEPT_STARTS:,}.",
    )
    max_disagreement: float | None = Field(
        None,
        gt=0,
        description="Truncate a dream where members' predictions differ by more, in deviations "
        "of a change of latents and keys (null: never).",
    )

    def like_reality(self, horizon: int) -> DreamSettings:
        """Return settings of dreams that are held against whole episodes of `horizon` decisions.

        They begin where episodes do; members that disagree would cut them where nothing cuts
        reality.
        """
        update = {"starts": "first", "horizon": horizon, "max_disagreement": None}
        return self.model_copy(update=update)


class DreamConfig(DreamSettings):
    """A dream: the dynamics as an environment, and how long agents practise in it."""

    env_steps: int = Field(
        1_000_000,
        ge=1,
        description="Dreamed environment steps an agent trains for, before the action repeat.",
    )
    num_envs: int = Field(64, ge=1, le=65_536, description="Dreams that run at once.")
    rounds: int = Field(
        1, ge=1, le=100, description="Times that an agent collects, relearns and dreams on."
    )
    refit_encoder: bool = Field(
        True,
        description="Refit the encoder in each later round, too, for at most drift.refresh_steps.",
    )
    relearn_steps: int | None = Field(
        None,
        ge=1,
        description="Optimiser steps of the dynamics in each later round, which begins with those "
        "of the round before (null: dynamics.steps).",
    )
    real_steps: int | None = Field(
        None,
        ge=1,
        description="Real environment steps of all rounds together (null: rollouts.frames a "
        "round).",
    )

    @property
    def settings(self) -> DreamSettings:
        """The part that decides what a dream is."""
        return self.part(DreamSettings)
