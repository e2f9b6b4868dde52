"""The workbench of one run: settings, and the frames and encoders that its rows share."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.benchmark.config import BenchmarkConfig
from agents.benchmark.measure import Clock, Comparison, Contest, clock_of, measure
from agents.config.agent import AgentConfig
from agents.config.experiment import Experiment
from agents.prepare import collect_rollouts, make_untrained_encoder
from worldvae.autoencoders.config import PretrainConfig
from worldvae.envs import EnvConfig
from worldvae.files import locked
from worldvae.rollouts import RolloutConfig, RolloutStore, StoredFrames
from worldvae.rollouts.manifest import Split
from worldvae.seeding import derive
from worldvae.training.device import torch_device

SCRATCH = "scratch-"


@dataclass(frozen=True)
class Bench:
    """What a row needs beside its own settings."""

    config: BenchmarkConfig

    @property
    def device(self) -> str:
        return torch_device(self.config.device)

    @cached_property
    def clock(self) -> Clock:
        return clock_of(self.device)

    @property
    def work(self) -> Path:
        """Rollouts and encoders, which a second run finds again."""
        return self.config.folder / "work"

    def seed(self, *names: str | int) -> int:
        """A seed of the row's own."""
        return derive(self.config.seed, "benchmark", *names)

    def compare(self, contest: Contest, rounds: int | None = None) -> Comparison:
        """Measure `contest` in as many rounds as the configuration says."""
        return measure(contest, rounds or self.config.rounds, self.clock)

    def experiment(
        self,
        env: EnvConfig,
        pretrain: PretrainConfig,
        agent: AgentConfig | None = None,
        rollouts: RolloutConfig | None = None,
    ) -> Experiment:
        """An experiment whose folder belongs to these settings alone, so that they never mix."""
        return _named(
            Experiment(
                runs=self.work,
                seed=self.config.seed,
                device=self.config.device,
                env=env,
                rollouts=rollouts or self.config.rollouts,
                pretrain=pretrain,
                agent=agent or AgentConfig(),
            )
        )

    def store(self, env: EnvConfig) -> RolloutStore:
        """Frames of `env`, collected at the first call."""
        return collect_rollouts(self.experiment(env, PretrainConfig()))

    def frames(self, env: EnvConfig, split: Split) -> StoredFrames:
        """Those of one split."""
        return StoredFrames(self.store(env), split)

    def encoder(
        self, env: EnvConfig, pretrain: PretrainConfig, rollouts: RolloutConfig | None = None
    ) -> Path:
        """A saved encoder with random weights, which cost the same as trained ones."""
        experiment = self.experiment(env, pretrain, rollouts=rollouts)
        make_untrained_encoder(experiment)
        return experiment.untrained_encoder_folder

    def some_frames(self, env: EnvConfig, count: int) -> NDArray[np.uint8]:
        """`count` training frames (count, H, W, C), repeated where there are not as many."""
        source = self.frames(env, "train")
        return source.gather(np.arange(count, dtype=np.int64) % len(source))

    def all_frames(self, env: EnvConfig) -> NDArray[np.uint8]:
        """All training frames in one array, as the usual script holds them: (B, H, W, C)."""
        return self.some_frames(env, len(self.frames(env, "train")))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder: two benchmarks disturb each other. What a kill left is cleared away."""
        with locked(self.config.folder, "benchmark"):
            for left in self.work.glob(f"{SCRATCH}*"):
                shutil.rmtree(left)
            yield

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A new folder beside the results, gone after the block."""
        self.work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.work, prefix=SCRATCH) as folder:
            yield Path(folder)

    def collection(self, frames: int, num_envs: int) -> RolloutConfig:
        """Random actions, as the bare backend takes them."""
        return RolloutConfig(frames=frames, num_envs=num_envs, policies={"random": 1.0})


def _named(experiment: Experiment) -> Experiment:
    settings = experiment.model_dump_json(include={"seed", "env", "rollouts", "pretrain"})
    digest = hashlib.sha256(settings.encode()).hexdigest()[:8]
    game = experiment.env.id.rpartition("/")[2]
    return experiment.model_copy(update={"name": f"{game}-{digest}"})
