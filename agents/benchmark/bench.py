"""The settings of a benchmark, and the frames and encoders that its rows share."""

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
from agents.prepare import collect_rollouts, prepare_untrained_encoder
from worldvae.autoencoders.config import PretrainConfig
from worldvae.envs import EnvConfig
from worldvae.locks import locked
from worldvae.rollouts import RolloutConfig, RolloutStore, StoredFrames
from worldvae.rollouts.manifest import Split
from worldvae.seeding import derive
from worldvae.training.device import torch_device

SCRATCH = "scratch-"


@dataclass(frozen=True)
class Bench:
    """What the rows of the table share."""

    config: BenchmarkConfig

    @property
    def device(self) -> str:
        return torch_device(self.config.device)

    @cached_property
    def clock(self) -> Clock:
        return clock_of(self.device)

    @property
    def work(self) -> Path:
        """The folder of rollouts and encoders, which later runs use again."""
        return self.config.folder / "work"

    def seed(self, *names: str | int) -> int:
        """Derive a seed from the benchmark's seed and `names`."""
        return derive(self.config.seed, "benchmark", *names)

    def compare(self, contest: Contest, rounds: int | None = None) -> Comparison:
        """Measure `contest`, by default in as many rounds as the configuration says."""
        return measure(contest, rounds or self.config.rounds, self.clock)

    def experiment(
        self,
        env: EnvConfig,
        pretrain: PretrainConfig,
        agent: AgentConfig | None = None,
        rollouts: RolloutConfig | None = None,
    ) -> Experiment:
        """Return an experiment whose folder belongs to these settings alone."""
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
        """Return the rollouts of `env`, which the first call collects."""
        return collect_rollouts(self.experiment(env, PretrainConfig()))

    def frames(self, env: EnvConfig, split: Split) -> StoredFrames:
        """Return the stored frames of one split."""
        return StoredFrames(self.store(env), split)

    def encoder(
        self, env: EnvConfig, pretrain: PretrainConfig, rollouts: RolloutConfig | None = None
    ) -> Path:
        """Save an encoder with random weights, which is as fast as a trained one.

        Return its folder.
        """
        experiment = self.experiment(env, pretrain, rollouts=rollouts)
        prepare_untrained_encoder(experiment)
        return experiment.untrained_encoder_folder

    def some_frames(self, env: EnvConfig, count: int) -> NDArray[np.uint8]:
        """Return `count` training frames (count, H, W, C); if there are fewer, they repeat."""
        source = self.frames(env, "train")
        return source.gather(np.arange(count, dtype=np.int64) % len(source))

    def all_frames(self, env: EnvConfig) -> NDArray[np.uint8]:
        """Return all training frames as one array in memory, (B, H, W, C)."""
        return self.some_frames(env, len(self.frames(env, "train")))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder, because two benchmarks disturb each other.

        Scratch folders that a killed benchmark left are deleted.
        """
        with locked(self.config.folder, "benchmark"):
            for folder in self.work.glob(f"{SCRATCH}*"):
                shutil.rmtree(folder)
            yield

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield a new folder beside the results, which is deleted after the block."""
        self.work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.work, prefix=SCRATCH) as folder:
            yield Path(folder)

    def collection(self, frames: int, num_envs: int) -> RolloutConfig:
        """Return settings for collecting with random actions, as the bare backend is stepped."""
        return RolloutConfig(frames=frames, num_envs=num_envs, policies={"random": 1.0})


def _named(experiment: Experiment) -> Experiment:
    settings = experiment.model_dump_json(include={"seed", "env", "rollouts", "pretrain"})
    digest = hashlib.sha256(settings.encode()).hexdigest()[:8]
    game = experiment.env.id.rpartition("/")[2]
    return experiment.model_copy(update={"name": f"{game}-{digest}"})
