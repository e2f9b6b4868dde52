"""The settings of the benchmark: how much work each figure is measured on, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from agents.config.agent import AgentConfig
from worldvae.autoencoders.config import LEAN, NetworkConfig, PretrainConfig
from worldvae.config import Config
from worldvae.dynamics.config import DynamicsNetwork
from worldvae.envs import EnvConfig
from worldvae.rollouts.config import RolloutConfig

CAR_RACING = EnvConfig(id="CarRacing-v3", action_repeat=4, give_up_after=200)
PONG = EnvConfig(id="ALE/Pong-v5")


class CollectionRows(Config):
    """Frames stored per second; every environment step is stored, which is the hardest case."""

    num_envs: int = Field(16, ge=1, description="Environments played at once, on both sides.")
    frames: int = Field(6_000, ge=100, description="Frames per round.")
    async_frames: int = Field(1_600, ge=1, description="Frames per round of AsyncVectorEnv.")


class ProcessRows(Config):
    """Env steps per second of environments in processes of their own."""

    num_envs: int = Field(8, ge=2, description="Environments at once, on both sides.")
    light_steps: int = Field(1_000, ge=1, description="Steps per environment and round, Dots.")
    heavy_steps: int = Field(60, ge=1, description="Steps per environment and round, CarRacing.")


class UsualPretraining(Config):
    """The settings of the usual script, which are those of ctallec/world-models."""

    batch_size: int = Field(32, ge=1, description="Frames per step.")
    learning_rate: float = Field(1e-3, gt=0, description="Learning rate of Adam.")


class ImageRow(Config):
    """Images per second of pretraining; both sides have the same batch size."""

    images: int = Field(2_560, ge=1, description="Images per round.")


class RaceRow(Config):
    """Seconds of training until the held-out error is low enough."""

    rounds: int = Field(1, ge=1, description="Rounds at most; each takes minutes.")
    error: float = Field(
        0.006, gt=0, description="Mean squared error of held-out frames to reach (white is 1)."
    )
    cap_seconds: float = Field(60.0, gt=0, description="Training seconds after which a side ends.")
    every_images: int = Field(1_280, ge=1, description="Training images between evaluations.")
    held_out_frames: int = Field(400, ge=1, description="Held-out frames of each evaluation.")
    batch_size: int = Field(32, ge=1, description="Frames per step of worldvae's side.")
    usual: UsualPretraining = Field(UsualPretraining(), description="The usual script's settings.")


class MemoryRow(Config):
    """Peak memory of pretraining on a large store, which is hard links to a few episodes."""

    episodes: int = Field(1_000, ge=10, description="Episodes of the store.")
    length: int = Field(999, ge=1, description="Decisions per episode; it has one frame more.")
    distinct: int = Field(5, ge=1, description="Episodes that are no hard links.")
    steps: int = Field(20, ge=1, description="Optimiser steps, with one evaluation at their end.")
    validation_frames: int = Field(256, ge=1, description="Held-out frames of that evaluation.")


class EncodingRows(Config):
    """Milliseconds to encode the frames of one vector step."""

    num_envs: tuple[int, ...] = Field((8, 16), description="Environments; a row for each number.")
    vector_steps: int = Field(150, ge=1, description="Vector steps per round.")


class LatentEnvRow(Config):
    """Env steps per second of the latent vector environment."""

    num_envs: int = Field(16, ge=1, description="Environments at once.")
    vector_steps: int = Field(150, ge=1, description="Decisions per environment and round.")


class DynamicsRow(Config):
    """Optimiser steps per second of dynamics; both sides have the same batches."""

    steps: int = Field(30, ge=1, description="Steps per round.")
    batch_size: int = Field(32, ge=1, description="Windows per step.")


class DreamRows(Config):
    """Decisions per second of dreams."""

    num_envs: int = Field(64, ge=1, description="Dreams at once.")
    vector_steps: int = Field(300, ge=1, description="Decisions of each dream and round.")
    wanted: float = Field(
        10_000.0, gt=0, description="Decisions a second that are wanted; a laptop's by default."
    )
    network: DynamicsNetwork = Field(DynamicsNetwork(), description="Layers of the dynamics.")
    updates: int = Field(2, ge=1, description="Updates of PPO per round, where it learns in them.")
    settings: dict[str, Any] = Field(
        {"n_steps": 32, "batch_size": 512, "n_epochs": 4}, description="Arguments of that PPO."
    )


class ExportRow(Config):
    """Milliseconds of a decision by an exported agent, in one environment."""

    decisions: int = Field(300, ge=1, description="Decisions per round.")
    threads: int = Field(1, ge=1, description="Threads of onnxruntime.")


class PPORows(Config):
    """Env steps per second of PPO's whole loop: environment, encoder and updates."""

    updates: int = Field(1, ge=1, description="Updates of the policy per round.")
    num_envs: int = Field(16, ge=1, le=512, description="Environments played at once.")
    settings: dict[str, Any] = Field(
        {"n_steps": 64, "batch_size": 512},
        description="Arguments of PPO, the same for latents and for pixels.",
    )


class WholeJobRow(Config):
    """Minutes from nothing to a given return, read from a comparison that was run before."""

    runs: tuple[Path, ...] = Field(
        (Path("runs/car_racing-CarRacing-v3"), Path("docs/results/car_racing/first")),
        description="Finished or published comparisons; the first that exists is read.",
    )
    score: float = Field(600.0, description="Mean return that an evaluation has to reach.")


class ScalingConfig(Config):
    """How the cost of each stage grows with what makes it larger."""

    repeats: int = Field(3, ge=1, description="Measurements of each point; their median counts.")
    num_envs: tuple[int, ...] = Field((4, 8, 16, 32), min_length=2, description="Environments.")
    frames: tuple[int, ...] = Field((500, 1_000, 2_000, 4_000), min_length=2, description="Frames.")
    sides: tuple[int, ...] = Field((32, 48, 64, 96, 128), min_length=2, description="Frame sides.")
    stored: tuple[int, ...] = Field(
        (10_000, 100_000, 1_000_000), min_length=2, description="Frames to train on, and to verify."
    )
    opened: tuple[int, ...] = Field(
        (100_000, 1_000_000, 10_000_000),
        min_length=2,
        description="Frames of a store that is opened and listed.",
    )
    windows: tuple[int, ...] = Field(
        (16, 32, 64), min_length=2, description="Decisions in a window of dynamics."
    )
    members: tuple[int, ...] = Field((1, 2, 4), min_length=2, description="Members of dynamics.")
    dreams: tuple[int, ...] = Field((16, 64, 256), min_length=2, description="Dreams at once.")
    horizons: tuple[int, ...] = Field(
        (25, 50, 100), min_length=2, description="Decisions of a dream."
    )
    seeds: tuple[int, ...] = Field((5, 10, 20), min_length=2, description="Seeds in a report.")
    episodes: tuple[int, ...] = Field(
        (10, 100, 1_000), min_length=2, description="Evaluation episodes of a seed in a report."
    )
    windows_per_step: int = Field(32, ge=1, description="Windows per step of dynamics.")
    vector_steps: int = Field(100, ge=1, description="Vector steps per point of `num_envs`.")
    train_steps: int = Field(3, ge=1, description="Optimiser steps per point.")
    batch_size: int = Field(64, ge=1, description="Frames per step, the most on its curve.")


class BenchmarkConfig(Config):
    """All settings of the benchmark."""

    folder: Path = Field(Path("runs/benchmark"), description="Folder of the results.")
    seed: int = Field(0, ge=0, description="Seed of everything random.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where networks compute.")
    rounds: int = Field(3, ge=1, description="Rounds of each comparison that count.")
    targets: dict[str, float] = Field(
        {}, description="Row -> the ratio that it should reach, where it is another than usually."
    )
    car_racing: EnvConfig = Field(
        CAR_RACING, description="CarRacing; rows of collection store every env step of it."
    )
    pong: EnvConfig = Field(PONG, description="Pong; rows of collection store every env step.")
    rollouts: RolloutConfig = Field(
        RolloutConfig(frames=5_000), description="Frames that encoders are trained on."
    )
    pretrain: PretrainConfig = Field(
        PretrainConfig(), description="Pretraining of all rows; a row's own settings come first."
    )
    lean: NetworkConfig = Field(
        LEAN, description="Network of race, latent_env and PPO; other rows use pretrain's."
    )
    agent: AgentConfig = Field(
        AgentConfig(), description="Agents of the PPO rows, which set num_envs and settings."
    )
    collection: CollectionRows = Field(CollectionRows(), description="Rows of collection.")
    processes: ProcessRows = Field(ProcessRows(), description="Rows of processes.")
    images: ImageRow = Field(ImageRow(), description="Pretraining, images a second.")
    race: RaceRow = Field(RaceRow(), description="Pretraining, seconds to an error.")
    memory: MemoryRow = Field(MemoryRow(), description="Pretraining, memory.")
    encoding: EncodingRows = Field(EncodingRows(), description="Rows of the encoder.")
    latent_env: LatentEnvRow = Field(LatentEnvRow(), description="The latent environment.")
    dynamics: DynamicsRow = Field(DynamicsRow(), description="Learning dynamics, steps a second.")
    dream: DreamRows = Field(DreamRows(), description="Rows of dreams.")
    export: ExportRow = Field(ExportRow(), description="Row of exported agents.")
    ppo_pong: PPORows = Field(PPORows(), description="PPO's whole loop on Pong.")
    ppo_car_racing: PPORows = Field(PPORows(), description="PPO's whole loop on CarRacing.")
    agents_at_once: tuple[Annotated[int, Field(ge=2)], ...] = Field(
        (2, 4), description="Agents that learn at once; a row for each number with enough cores."
    )
    whole_job: WholeJobRow = Field(WholeJobRow(), description="The whole job.")
    scaling: ScalingConfig = Field(ScalingConfig(), description="How cost grows.")

    @property
    def lean_pretrain(self) -> PretrainConfig:
        """`pretrain` with the lean network."""
        return self.pretrain.model_copy(update=dict(self.lean))

    def agent_of(self, rows: PPORows) -> AgentConfig:
        """Return `agent` with the number of environments and the settings of `rows`."""
        changes = {"num_envs": rows.num_envs, "settings": rows.settings}
        return AgentConfig.model_validate({**self.agent.model_dump(), **changes})

    @model_validator(mode="after")
    def _agents_fit(self) -> BenchmarkConfig:
        for name, rows in (("ppo_pong", self.ppo_pong), ("ppo_car_racing", self.ppo_car_racing)):
            try:
                self.agent_of(rows)
            except ValidationError as error:
                message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
                raise ValueError(f"{name}: {message}") from None
        return self
