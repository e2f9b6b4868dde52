"""What came before the agents: what collecting, pretraining and refitting took."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from worldvae.json_files import Content, JsonFile


@dataclass(frozen=True)
class Cost:
    """What something took; env steps are frames of the environment before action repeat."""

    env_steps: int = 0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.env_steps + other.env_steps, self.seconds + other.seconds)


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


class CollectionResult(Content):
    """`rollouts/result.json`, with which the frames are all there."""

    env_steps: int = Field(description="Of all that was collected, before action repeat.")
    frames: int
    episodes: int
    seconds: float
    cpu_seconds: float | None = Field(
        description="Child processes included; null: of a part that was killed it is not known."
    )
    peak_memory: int | None = Field(description="Resident bytes; null: not measured.")
    command: str | None = Field(description="What was typed; null: not recorded.")
    versions: dict[str, str] | None = Field(description="Of the software; null: not recorded.")


COLLECTION = JsonFile(
    "result.json", CollectionResult, "python -m scripts.collect CONFIG writes it anew"
)


class RefreshResult(Content):
    """`refresh_1/result.json`: what collecting with an agent and refitting its encoder took."""

    env_steps: int = Field(description="Of collecting, before action repeat.")
    seconds: float
    cpu_seconds: float
    peak_memory: int = Field(description="Resident bytes, of the agent's training until then.")


REFRESH = JsonFile("result.json", RefreshResult, "delete it to refit the encoder again")
