"""The sections of an experiment that say how agents are scored, and what is compared with what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from agents.arms.registry import DEFAULT, ArmName
from worldvae.config import Config
from worldvae.diagnostics.config import Measure
from worldvae.fields import Name, Seed, check_name, folder_name

Latents = Annotated[int, Field(ge=1, le=4_096)]
LARGEST_BETA = 1e6

ExecutorName = Literal["local", "ray"]
"""Where jobs run."""

FEWEST_FRAMES = 32
"""Frames of an agent that are judged at least: a share of fewer says little."""

E = TypeVar("E")


def _no_twins(values: tuple[E, ...]) -> tuple[E, ...]:
    if len(set(values)) < len(values):
        raise ValueError(f"names something twice: {', '.join(map(str, values))}")
    return values


def _own_folders(ids: Iterable[str]) -> None:
    """Raise ValueError unless each of the environments `ids` can have a folder of its own."""
    folders: dict[str, str] = {}
    for env_id in ids:
        name = check_name(folder_name(env_id))
        other = folders.setdefault(name, env_id)
        if other != env_id:
            raise ValueError(f"{other} and {env_id} would share the folder {name}")


class EvaluationConfig(Config):
    """How agents are measured: in Gymnasium's own environment, on seeds nothing was trained on."""

    episodes: int = Field(20, ge=1, le=10**6, description="Episodes that score a finished agent.")
    deterministic: bool = Field(
        False,
        description="Take the mode of the policy in place of sampling from it as in training.",
    )
    episodes_otherwise: int = Field(
        20,
        ge=0,
        le=10**6,
        description="Episodes besides, played the other way: with the mode, or sampled.",
    )
    every: int = Field(
        100_000, ge=1, description="Environment steps between evaluations during training."
    )
    episodes_during_training: int = Field(
        5, ge=1, le=10**6, description="Episodes of each of those."
    )
    seed: int = Field(
        1_000_000,
        ge=0,
        le=2 * 10**9,
        description="Seed of the first episode; the next ones count up from it.",
    )
    num_envs: int = Field(10, ge=1, le=256, description="Episodes played at once.")


class TaskConfig(Config):
    """One environment among several, and the two returns that make its scores comparable."""

    random_score: float = Field(description="Return of random actions, 0 of the normalised score.")
    reference_score: float = Field(description="Return that is its 1, such as a published one.")
    env: dict[str, Any] = Field({}, description="Keys of `env` that differ here.")

    @model_validator(mode="after")
    def _differ(self) -> TaskConfig:
        if self.random_score == self.reference_score:
            both = f"random_score and reference_score are both {self.random_score}"
            raise ValueError(f"{both}; nothing lies between")
        return self


class DriftConfig(Config):
    """How frozen encoders are watched while agents train, and refitted if they are left behind."""

    every: int = Field(50_000, ge=0, description="Environment steps between measurements; 0: off.")
    frames: int = Field(
        256,
        ge=FEWEST_FRAMES,
        le=1_000_000,
        description="Frames of the agent that each measurement looks at.",
    )
    warn_share: float = Field(
        0.25,
        gt=0,
        le=1,
        description="Share of frames stranger than 99 % of the held-out ones to warn at.",
    )
    refresh: bool = Field(
        False,
        description="latent: in place of the warning, collect with the agent, refit its encoder "
        "on old and new frames, and go on (the iterative procedure of World Models).",
    )
    refreshes: int = Field(1, ge=1, description="Times that one agent may do so.")
    refresh_frames: int = Field(5_000, ge=100, description="Frames to collect each time.")
    refresh_steps: int = Field(1_000, ge=1, description="Optimiser steps of each refit at most.")


class CompareConfig(Config):
    """What is compared: nothing differs between arms but what the agent sees."""

    arms: Annotated[tuple[ArmName, ...], AfterValidator(_no_twins)] = Field(
        DEFAULT, min_length=1, description="What the agents see."
    )
    seeds: Annotated[tuple[Seed, ...], AfterValidator(_no_twins)] = Field(
        (0, 1), min_length=1, description="One agent per arm and seed: the unit of replication."
    )
    workers: int = Field(2, ge=1, le=1_024, description="Agents trained at once, a process each.")
    envs: dict[str, TaskConfig] = Field(
        {},
        description="Gymnasium id -> {random_score: R, reference_score: S, env: {...}}: the "
        "returns that are 0 and 1 of its normalised score, and the keys of env that differ there. "
        "Several environments in one comparison, in the place of env.id (empty: env.id alone).",
    )
    tuning_trials: dict[ArmName, Annotated[int, Field(ge=0)]] = Field(
        {},
        description="Arm -> trainings that were made to choose the settings, for the report: who "
        "was tuned and who was not is part of a result.",
    )
    executor: ExecutorName = Field(
        "local", description="Where: processes of this machine, or a Ray cluster (docs/cluster.md)."
    )

    @field_validator("envs")
    @classmethod
    def _have_folders(cls, envs: dict[str, TaskConfig]) -> dict[str, TaskConfig]:
        _own_folders(envs)
        return envs


class StudyConfig(Config):
    """Which encoders are measured side by side, without any agent."""

    envs: Annotated[tuple[str, ...], AfterValidator(_no_twins)] = Field(
        (), description="Gymnasium ids that take the place of env.id (empty: env.id)."
    )
    encoders: dict[Name, dict[str, Any]] = Field(
        {"encoder": {}},
        min_length=1,
        description="Name -> keys of `pretrain` that differ; trained: false leaves it untrained.",
    )
    seeds: Annotated[tuple[Seed, ...], AfterValidator(_no_twins)] = Field(
        (0,), min_length=1, description="Encoders of each kind; all see the same rollouts."
    )
    measures: tuple[Measure, ...] = Field(
        ("probes",), description="What is measured beside reconstructions."
    )
    workers: int = Field(2, ge=1, le=1_024, description="Encoders trained at once, a process each.")

    @model_validator(mode="after")
    def _can_be_made(self) -> StudyConfig:
        _own_folders(self.envs)
        for name, changes in self.encoders.items():
            if not isinstance(changes.get("trained", True), bool):
                raise ValueError(f"encoders.{name}.trained: expected true or false")
        return self


class SweepConfig(Config):
    """Which betas are tried: `trials` on an even logarithmic grid, `refine` more by Optuna."""

    beta: tuple[float, float] = Field((0.01, 100.0), description="The smallest and the largest.")
    latents: Annotated[tuple[Latents, ...], AfterValidator(_no_twins)] = Field(
        (), description="Latent sizes, each with a curve of its own ([]: pretrain.latents)."
    )
    trials: int = Field(9, ge=1, le=1_000, description="Betas on the grid of each latent size.")
    refine: int = Field(
        0,
        ge=0,
        le=1_000,
        description="Betas besides, placed by TPE where held-out error looks least.",
    )
    workers: int = Field(1, ge=1, le=1_024, description="Trials at once, a process each.")
    prune: bool = Field(
        True,
        description="Give up a trial whose code has collapsed like that of the largest beta.",
    )

    @field_validator("beta")
    @classmethod
    def _rises(cls, beta: tuple[float, float]) -> tuple[float, float]:
        if not 0 < beta[0] < beta[1] <= LARGEST_BETA:
            raise ValueError(
                f"expected two numbers above 0 and up to {LARGEST_BETA:.0e}, the smaller one first"
            )
        return beta
