"""The settings of collection."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from worldvae.config import Config

PolicyName = Literal["random", "smooth", "sweep", "agent"]

FEWEST_FRAMES = 100
"""The fewest frames of a collection."""


class RolloutConfig(Config):
    """How many frames to collect, and by which policies."""

    frames: int = Field(
        20_000, ge=FEWEST_FRAMES, description="Frames to store, first ones included."
    )
    num_envs: int = Field(16, ge=1, le=512, description="Environments played at once.")
    policies: dict[PolicyName, Annotated[float, Field(ge=0)]] = Field(
        {"smooth": 1.0}, description="Share of the episodes that each policy plays, by weight."
    )
    autocorrelation: float = Field(
        0.8, ge=0, lt=1, description="smooth: how much of an action carries over to the next."
    )
    drift: tuple[float, ...] | None = Field(
        None, description="smooth: mean action, one number per axis (null: middle of the range)."
    )
    held: tuple[int, int] = Field(
        (3, 60),
        description="sweep: least and most decisions that an action is held; each episode draws "
        "its own number, log-uniformly.",
    )
    sweep_noise: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(
        (0.0, 0.1, 0.2),
        min_length=1,
        description="sweep: shares of decisions that are random instead; each episode draws one.",
    )
    agent: str | None = Field(
        None, description="agent: folder of a trained agent, runs/NAME/agents/ARM/seed_0."
    )
    epsilon: float = Field(
        0.1, ge=0, le=1, description="agent: share of its actions replaced by random ones."
    )
    state: Literal["auto", "always"] = Field(
        "auto",
        description="auto: the true state is recorded where the fastest backend shows it; "
        "always: collection takes the Gymnasium backend, which does.",
    )

    @field_validator("policies")
    @classmethod
    def _one_plays(cls, weights: dict[PolicyName, float]) -> dict[PolicyName, float]:
        if not any(weights.values()):
            raise ValueError("expected a weight above 0 for at least one policy, {smooth: 1}")
        return weights

    @field_validator("held")
    @classmethod
    def _least_before_most(cls, held: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= held[0] <= held[1]:
            raise ValueError("expected the least and the most decisions, [3, 60], from 1 on")
        return held

    @model_validator(mode="after")
    def _agent_has_a_weight(self) -> RolloutConfig:
        if self.agent is not None and "agent" not in self.policies:
            raise ValueError("agent needs a weight among policies: {agent: 1}")
        return self
