"""The settings of the gap report: which policies play in reality and in the dream, how often."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from worldvae.config import Config
from worldvae.fields import LARGEST_SEED, FolderPath

Action = int | tuple[float, ...]
"""A number of a Discrete space, or the numbers of a Box, one per axis."""

MOST_ENVS = 1_000
SEEDS = 400_000_000
"""How many seeds, from `gap.seed` on, the episodes are spread over."""

LONGEST = 10_000
"""The most decisions that an action is held; hardly an episode is longer."""


class Script(Config):
    """A policy that looks at nothing. It has one of `cycle`, `held`, `smooth` and `random`."""

    cycle: tuple[Action, ...] | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Actions taken in turn, for ever; choices count from 0, as those of policies.",
    )
    every: int | tuple[int, ...] = Field(
        1, description="cycle: decisions that each action is held, one number or one for each."
    )
    held: int | tuple[int, int] | None = Field(
        None,
        description="Random actions, each held for so many decisions; of two numbers a random one "
        "between them, anew for each action.",
    )
    smooth: float | None = Field(
        None, ge=0, lt=1, description="Smooth actions as in rollouts, with this autocorrelation."
    )
    random: bool = Field(False, description="Uniformly random actions.")
    noise: float = Field(
        0.0, ge=0, lt=1, description="Share of decisions that are uniformly random instead."
    )

    @property
    def durations(self) -> tuple[int, ...]:
        """The decisions that each action of the cycle is held."""
        count = len(self.cycle or ())
        return self.every if isinstance(self.every, tuple) else (self.every,) * count

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the most decisions that a random action is held; 1 where none is."""
        if self.held is None:
            return 1, 1
        return self.held if isinstance(self.held, tuple) else (self.held, self.held)

    @model_validator(mode="after")
    def _is_one_kind(self) -> Script:
        given = (self.cycle is not None, self.held is not None, self.smooth is not None)
        if sum((*given, self.random)) != 1:
            raise ValueError("needs just one of cycle, held, smooth and random")
        if self.cycle is None and "every" in self.model_fields_set:
            raise ValueError("every has a place beside cycle only; held has its own number")
        if len(self.durations) != len(self.cycle or ()) and self.cycle is not None:
            raise ValueError("every needs one number, or one for each action of the cycle")
        least, most = self.bounds
        if not 1 <= least <= most or not all(number >= 1 for number in self.durations):
            raise ValueError("an action is held for at least 1 decision, the smaller number first")
        if max((most, *self.durations)) > LONGEST:
            raise ValueError(f"an action is held for at most {LONGEST:,} decisions")
        return self


class GapConfig(Config):
    """Whether the dream ranks policies as reality does."""

    episodes: int = Field(
        40, ge=2, le=100_000, description="Episodes of each policy in each world."
    )
    dynamics: FolderPath | None = Field(
        None,
        description="Folder of other dynamics than the run's own (null), such as those of a round, "
        "runs/NAME/agents/dream/seed_0/round_1/dynamics, or untrained ones; the report is put "
        "into it.",
    )
    usual: bool = Field(
        True, description="Play the usual scripted policies (20 to 40, for any action space)."
    )
    policies: tuple[Script, ...] = Field(
        (),
        description="Further scripted policies, such as {cycle: [1, 2], every: 25, noise: 0.1}, "
        "{held: [3, 60]}, {smooth: 0.9} or {random: true}.",
    )
    agents: bool = Field(
        True, description="Play the run's finished agents that observe latents and memory, too."
    )
    horizon: int = Field(
        1_000,
        ge=1,
        le=10**6,
        description="Decisions after which an episode is cut, in both worlds alike; the "
        "environment's own limit if that is lower.",
    )
    temperatures: tuple[Annotated[float, Field(ge=0, le=10)], ...] = Field(
        (),
        max_length=50,
        description="Temperatures of the dream to choose from: the highest within one standard "
        "error of the least error on validation episodes ([]: dream.temperature).",
    )
    validation_episodes: int = Field(
        20, ge=2, le=100_000, description="Episodes of each policy for that choice."
    )
    seed: int = Field(
        500_000_000,
        ge=0,
        le=LARGEST_SEED - SEEDS - MOST_ENVS,
        description="Episodes begin from this seed and from 400 million above it.",
    )
    num_envs: int = Field(8, ge=1, le=MOST_ENVS, description="Real episodes that run at once.")

    @property
    def seeds(self) -> tuple[int, int]:
        """The least and the greatest seed that an episode may begin from."""
        return self.seed, self.seed + SEEDS + self.num_envs

    @field_validator("temperatures")
    @classmethod
    def _differ(cls, temperatures: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(temperatures)) < len(temperatures):
            raise ValueError("holds one of them twice")
        return temperatures

    @model_validator(mode="after")
    def _something_plays(self) -> GapConfig:
        if not (self.usual or self.policies or self.agents):
            raise ValueError("nothing plays: set usual, policies or agents")
        return self
