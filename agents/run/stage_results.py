"""The schemas of stages before the agents, and the values that describe their cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from pydantic import Field

from worldvae.json_files import Content, JsonFile
from worldvae.training.result import TrainingResult

N = TypeVar("N", bound=float)


@dataclass(frozen=True)
class Cost:
    """Env steps, counted before action repeat, and seconds."""

    env_steps: int = 0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.env_steps + other.env_steps, self.seconds + other.seconds)

    @classmethod
    def mean(cls, costs: Sequence[Cost]) -> Cost:
        """Return the mean of `costs`, in whole steps; nothing if there are none."""
        if not costs:
            return cls()
        return cls(
            round(np.mean([cost.env_steps for cost in costs])),
            float(np.mean([cost.seconds for cost in costs])),
        )


@dataclass(frozen=True)
class StageCost:
    """The cost of one stage; None means not measured.

    Env steps are counted before action repeat.
    """

    env_steps: int | None
    seconds: float | None
    cpu_seconds: float | None
    peak_memory: float | None
    """The peak of resident bytes."""

    @classmethod
    def of_training(cls, result: TrainingResult) -> StageCost:
        """Return the cost of training a model; its frames are charged as collected."""
        return cls(0, result.seconds, result.cpu_seconds, result.peak_memory)

    def __add__(self, other: StageCost) -> StageCost:
        """Return the cost of one stage and then the other."""
        return StageCost(
            if_known([self.env_steps, other.env_steps], sum),
            if_known([self.seconds, other.seconds], sum),
            if_known([self.cpu_seconds, other.cpu_seconds], sum),
            if_known([self.peak_memory, other.peak_memory], max),
        )


def if_known(values: Iterable[N | None], combine: Callable[[list[N]], N]) -> N | None:
    """Return what `combine` makes of all `values`; None if one of them was not measured."""
    every = list(values)
    known = [value for value in every if value is not None]
    return combine(known) if len(known) == len(every) else None


NOTHING = StageCost(0, 0.0, 0.0, 0.0)
"""The cost of a stage that an arm does not need."""

UNKNOWN_COST = StageCost(None, None, None, None)
"""The cost of a stage that has not finished."""


class CollectionResult(Content):
    """The content of `rollouts/result.json`, which marks the frames as complete."""

    env_steps: int = Field(description="Env steps of all collecting, before action repeat.")
    frames: int
    episodes: int
    seconds: float
    cpu_seconds: float | None = Field(
        description="With child processes; null: unknown, because a part was killed."
    )
    peak_memory: int | None = Field(description="Peak of resident bytes; null: not measured.")
    command: str | None = Field(description="The command line; null: not recorded.")
    versions: dict[str, str] | None = Field(description="Software versions; null: not recorded.")


COLLECTION = JsonFile(
    "result.json", CollectionResult, "python -m scripts.collect CONFIG writes it anew"
)


class RefitResult(Content):
    """The content of `refresh_1/result.json`: the cost of collecting and refitting."""

    env_steps: int = Field(description="Env steps of collecting, before action repeat.")
    seconds: float
    cpu_seconds: float
    peak_memory: int = Field(description="Peak of resident bytes of the agent's training so far.")


REFIT = JsonFile("result.json", RefitResult, "delete it to refit again")
