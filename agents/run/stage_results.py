"""What came before the agents, as values: frames, an encoder, and what the configuration states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True)
class StageCost:
    """What one stage took; None: nobody measured it. Env steps are counted before action repeat."""

    env_steps: int | None
    seconds: float | None
    cpu_seconds: float | None
    peak_memory: float | None
    """The most bytes that were resident."""


NOTHING = StageCost(0, 0.0, 0.0, 0.0)
"""Of a stage that an arm does not need."""

UNKNOWN = StageCost(None, None, None, None)
"""Of a stage that has not finished."""


@dataclass(frozen=True)
class Collection:
    """`rollouts/result.json`; None: not recorded."""

    env_steps: int
    frames: int
    seconds: float
    episodes: int
    cpu_seconds: float | None = None
    peak_memory: int | None = None

    @property
    def cost(self) -> StageCost:
        """What collecting took."""
        return StageCost(self.env_steps, self.seconds, self.cpu_seconds, self.peak_memory)


@dataclass(frozen=True)
class Pretraining:
    """`encoder/result.json`; None: not recorded."""

    seconds: float
    steps: int
    parameters: int
    cpu_seconds: float | None = None
    peak_memory: int | None = None

    @property
    def cost(self) -> StageCost:
        """What pretraining took, beside the frames that were collected for it."""
        return StageCost(0, self.seconds, self.cpu_seconds, self.peak_memory)


@dataclass(frozen=True)
class Card:
    """What the report reads of an encoder's card: nats of each latent, held-out scores."""

    kl: tuple[float, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Scale:
    """The returns that are 0 and 1 of an environment's normalised score."""

    random_score: float
    reference_score: float


@dataclass(frozen=True)
class Stated:
    """What the report reads of the section `compare` in a resolved configuration."""

    tuning_trials: Mapping[str, int] = field(default_factory=dict)
    """Arm -> trainings made to choose its settings."""
    scales: Annotated[Mapping[str, Scale], Field(alias="envs")] = field(default_factory=dict)
    """Gymnasium id -> scale of its scores."""
