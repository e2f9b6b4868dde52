"""The sections of an experiment on evaluation, drift, comparisons, studies and sweeps."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from agents.arms.registry import ARMS, DEFAULT, LATENT, ArmName
from worldvae.config import Config
from worldvae.diagnostics.config import HealthNumber, Measure
from worldvae.envs.config import importing, split_id
from worldvae.fields import Name, Seed, check_name, folder_name, shortened

Latents = Annotated[int, Field(ge=1, le=4_096)]
LARGEST_BETA = 1e6

ExecutorName = Literal["local", "ray"]
"""The places where jobs can run."""

FEWEST_FRAMES = 32
"""The fewest frames on which drift is measured: a share of fewer is imprecise."""

E = TypeVar("E")


def _distinct(values: tuple[E, ...]) -> tuple[E, ...]:
    if len(set(values)) < len(values):
        raise ValueError(f"names something twice: {', '.join(map(str, values))}")
    return values


def _as_seeds(given: Any) -> Any:
    """Return `given`; raise ValueError for a number, which may be meant as how many or as which."""
    if isinstance(given, int) and not isinstance(given, bool):
        raise ValueError(
            f"expected a list: [0, 1, 2] for three seeds, [{shortened(given)}] for this one alone"
        )
    return given


Seeds = Annotated[tuple[Seed, ...], BeforeValidator(_as_seeds), AfterValidator(_distinct)]


def _check_folders(ids: Iterable[str]) -> None:
    """Raise ValueError unless each of the environments `ids` gets a folder of its own."""
    folders: dict[str, str] = {}
    for env_id in ids:
        name = check_name(folder_name(env_id))
        other = folders.setdefault(name, env_id)
        if other != env_id:
            raise ValueError(f"{other} and {env_id} would share the folder {name}")


class EvaluationConfig(Config):
    """Evaluation of agents in Gymnasium's own environment, on seeds that no training used."""

    episodes: int = Field(20, ge=1, le=10**6, description="Episodes that score a finished agent.")
    deterministic: bool = Field(
        False,
        description="Take the mode of the policy instead of sampling from it as in training.",
    )
    episodes_otherwise: int = Field(
        20,
        ge=0,
        le=10**6,
        description="Further episodes with the opposite of `deterministic`.",
    )
    every: int = Field(
        100_000, ge=1, description="Environment steps between evaluations during training."
    )
    every_dreamed: int | None = Field(
        None, ge=1, description="The same in dreamed steps, for agents that dream (null: `every`)."
    )
    episodes_during_training: int = Field(
        5, ge=1, le=10**6, description="Episodes of each of these evaluations."
    )
    seed: int = Field(
        1_000_000,
        ge=0,
        le=2 * 10**9,
        description="Seed of the first episode; the next ones count up from it.",
    )
    num_envs: int = Field(10, ge=1, le=256, description="Episodes that run at once.")

    def pace(self, dreams: bool) -> int:
        """Return the steps between evaluations of an agent that trains in dreams, or in reality."""
        return self.every_dreamed or self.every if dreams else self.every


class TaskConfig(Config):
    """One of several environments, with the two returns that define its normalised score."""

    random_score: float = Field(description="Return of random actions: a normalised score of 0.")
    reference_score: float = Field(description="Return, often a published one, that counts as 1.")
    env: dict[str, Any] = Field({}, description="Keys of `env` that differ here.")

    @model_validator(mode="after")
    def _differ(self) -> TaskConfig:
        if self.random_score == self.reference_score:
            problem = f"random_score and reference_score are both {self.random_score}"
            raise ValueError(f"{problem}; nothing lies between")
        return self


class DriftConfig(Config):
    """How the frames of agents are watched for drift, and when encoders are refitted."""

    every: int = Field(50_000, ge=0, description="Environment steps between measurements; 0: off.")
    frames: int = Field(
        256,
        ge=FEWEST_FRAMES,
        le=1_000_000,
        description="Frames of the agent per measurement.",
    )
    warn_share: float = Field(
        0.25,
        gt=0,
        le=1,
        description="Warn from this share of frames that are stranger than 99 % of held-out ones.",
    )
    refresh: bool = Field(
        False,
        description="latent: instead of warning, collect with the agent, refit its encoder "
        "on old and new frames, and go on (the iterative procedure of World Models).",
    )
    refreshes: int = Field(1, ge=1, description="The most refits of one agent's encoder.")
    refresh_frames: int = Field(5_000, ge=100, description="Frames to collect for each refit.")
    refresh_steps: int = Field(1_000, ge=1, description="The most optimiser steps of a refit.")


def _imported(module: str, task: Any) -> Any:
    """Return the values of a TaskConfig, whose environment is of `module`."""
    if not isinstance(task, dict) or not isinstance(task.get("env", {}), dict):
        return task  # which is refused with its own words
    return {**task, "env": importing(module, task.get("env", {}))}


class CompareConfig(Config):
    """The arms and seeds of a comparison; arms differ only in what the agent observes."""

    arms: Annotated[tuple[ArmName, ...], AfterValidator(_distinct)] = Field(
        DEFAULT, min_length=1, description="Arms: what the agents see."
    )
    seeds: Seeds = Field(
        (0, 1), min_length=1, description="One agent per arm and seed: the unit of replication."
    )
    encoder_per_seed: bool = Field(
        False,
        description="Each seed collects rollouts of its own, and has an encoder and dynamics of "
        "its own, in the folder seed_K: differences then hold over pretraining, too. Otherwise "
        "all seeds of an arm share one encoder.",
    )
    workers: int = Field(2, ge=1, le=1_024, description="Agents to train at once, in processes.")
    primary: tuple[tuple[ArmName, ArmName], ...] = Field(
        (),
        description="Pairs of arms whose comparison the run is made for, declared before it; the "
        "report calls all others exploratory.",
    )
    success_return: float | None = Field(
        None,
        allow_inf_nan=False,
        description="An episode that returns more than this has succeeded, where the environment "
        "does not report success itself (null: unknown). Arms are then compared by success.",
    )
    envs: dict[str, TaskConfig] = Field(
        {},
        description="Gymnasium id -> {random_score: R, reference_score: S, env: {...}}: the "
        "returns that are 0 and 1 of its normalised score, and the keys of env that differ there. "
        "Several environments in one comparison, in place of env.id (empty: env.id alone).",
    )
    tuning_trials: dict[ArmName, Annotated[int, Field(ge=0)]] = Field(
        {},
        description="Arm -> trainings that were made to choose its settings, for the report.",
    )
    executor: ExecutorName = Field(
        "local", description="Where agents train: this machine, or Ray (docs/cluster.md)."
    )

    @field_validator("primary")
    @classmethod
    def _are_pairs(cls, pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        for first, second in pairs:
            if first == second:
                raise ValueError(f"[{first}, {second}] names one arm; name two")
        _distinct(tuple(", ".join(sorted(pair)) for pair in pairs))
        return pairs

    @field_validator("envs", mode="before")
    @classmethod
    def _modules_before_ids(cls, envs: Any) -> Any:
        """Read `module:id: {...}` as `id: {..., env: {import: module}}`."""
        if not isinstance(envs, dict):
            return envs
        named: dict[Any, Any] = {}
        for env_id, task in envs.items():
            module, name = split_id(env_id) if isinstance(env_id, str) else (None, env_id)
            if name in named:
                raise ValueError(f"two of them are {name}")
            named[name] = task if module is None else _imported(module, task)
        return named

    @field_validator("envs")
    @classmethod
    def _have_folders(cls, envs: dict[str, TaskConfig]) -> dict[str, TaskConfig]:
        _check_folders(envs)
        return envs

    def undecided(self, arms: Collection[str]) -> tuple[str, ...]:
        """Return a phrase for each declared comparison that `arms` lack an arm for."""
        return tuple(
            f"{first} and {second} (no {' and no '.join(absent)} here)"
            for first, second in self.primary
            if (absent := [arm for arm in (first, second) if arm not in arms])
        )

    def is_primary(self, first: str, second: str) -> bool:
        """Return whether the comparison of two arms was declared, in either order."""
        return any({first, second} == set(pair) for pair in self.primary)


class StudyConfig(Config):
    """Encoders that are measured side by side, on request with agents on each of them."""

    envs: Annotated[tuple[str, ...], AfterValidator(_distinct)] = Field(
        (), description="Gymnasium ids that replace env.id (empty: env.id)."
    )
    encoders: dict[Name, dict[str, Any]] = Field(
        {"encoder": {}},
        min_length=1,
        description="Name -> keys of `pretrain` that differ; trained: false leaves it untrained.",
    )
    seeds: Seeds = Field(
        (0,), min_length=1, description="Seeds of each encoder; all use the same rollouts."
    )
    measures: tuple[Measure, ...] = Field(
        ("probes",), description="Measures besides reconstruction."
    )
    workers: int = Field(
        2, ge=1, le=1_024, description="Encoders or agents to train at once, in processes."
    )
    agent_seeds: Seeds = Field(
        (),
        description="Seeds of the agents that are trained on each encoder (empty: none). Which "
        "number of the health check predicts their return is then reported.",
    )
    arm: ArmName = Field(LATENT.name, description="What these agents see of the encoder.")
    primary: Annotated[tuple[HealthNumber, ...], AfterValidator(_distinct)] = Field(
        (),
        description="Numbers of the health check for which the study is made, declared before it; "
        "the report calls all others exploratory.",
    )

    @field_validator("arm")
    @classmethod
    def _takes_an_encoder(cls, name: str) -> str:
        if not ARMS[name].has_trained_encoder or ARMS[name].has_memory:
            able = [a.name for a in ARMS.values() if a.has_trained_encoder and not a.has_memory]
            raise ValueError(f"its agents need a trained encoder alone; use {' or '.join(able)}")
        return name

    @model_validator(mode="after")
    def _ranks_within_one_env(self) -> StudyConfig:
        if self.agent_seeds and len(self.envs) > 1:
            raise ValueError(
                "agent_seeds: returns are compared within one environment; name one in envs"
            )
        if self.primary and not self.agent_seeds:
            raise ValueError("primary: no number predicts a return without agent_seeds")
        return self

    @model_validator(mode="after")
    def _can_be_made(self) -> StudyConfig:
        _check_folders(self.envs)
        for name, changes in self.encoders.items():
            if not isinstance(changes.get("trained", True), bool):
                raise ValueError(f"encoders.{name}.trained: expected true or false")
        return self


class SweepConfig(Config):
    """The betas of a sweep: `trials` on an even logarithmic grid, and `refine` more by Optuna."""

    beta: tuple[float, float] = Field((0.01, 100.0), description="Smallest and largest beta.")
    latents: Annotated[tuple[Latents, ...], AfterValidator(_distinct)] = Field(
        (), description="Latent sizes, each with a curve of its own ([]: pretrain.latents)."
    )
    trials: int = Field(9, ge=1, le=1_000, description="Betas on the grid of each latent size.")
    refine: int = Field(
        0,
        ge=0,
        le=1_000,
        description="Further betas, chosen by TPE where held-out error seems lowest, one after the "
        "other whatever sweep.workers is.",
    )
    workers: int = Field(1, ge=1, le=1_024, description="Trials to run at once, in processes.")
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
