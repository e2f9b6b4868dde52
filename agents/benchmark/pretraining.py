"""The row of pretraining speed: `fit` from disk, against a usual script with frames in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from agents.benchmark.bench import Bench
from agents.benchmark.limits import Work, operations
from agents.benchmark.measure import Comparison, Contest, Stopwatch
from agents.benchmark.speeds import Resource
from agents.benchmark.usual import UsualVAE, train_usually
from worldvae.autoencoders.config import PretrainConfig
from worldvae.autoencoders.examples import FrameExamples
from worldvae.autoencoders.model import Autoencoder
from worldvae.envs import EnvConfig
from worldvae.rollouts import RolloutStore, StoredFrames
from worldvae.training.device import resolve_precision
from worldvae.training.fit import fit

Frames = NDArray[np.uint8]
COUNTED = 4
"""Images of the step whose operations are counted."""


class TimedAutoencoder(Autoencoder):
    """Pauses `watch` while the model is not in training mode, and then calls `evaluate`."""

    watch: Stopwatch | None = None
    evaluate: Callable[[TimedAutoencoder], None] | None = None

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.watch is None:
            return self
        if mode:
            self.watch.start()
            return self
        self.watch.stop()
        if self.evaluate is not None:
            self.evaluate(self)
        return self


def short_fit(config: PretrainConfig, steps: int) -> PretrainConfig:
    """Return `config` for `steps` steps, and one evaluation on one frame at the end."""
    short = {"steps": steps, "evaluate_every": steps, "patience": 0, "validation_frames": 1}
    return config.model_copy(update=short)


def train_ours(
    bench: Bench,
    config: PretrainConfig,
    store: RolloutStore,
    watch: Stopwatch,
    evaluate: Callable[[TimedAutoencoder], None] | None = None,
) -> None:
    """Run `fit` on the store's training frames; the watch counts training steps only."""
    watch.stop()
    train, validation = StoredFrames(store, "train"), StoredFrames(store, "validation")
    shape = store.env.frame.shape
    model = TimedAutoencoder.for_frames(config.autoencoder, shape, train, bench.seed("model"))
    assert isinstance(model, TimedAutoencoder)
    model.to(bench.device)
    model.watch, model.evaluate = watch, evaluate
    with bench.scratch() as folder:
        examples = FrameExamples(train), FrameExamples(validation)
        fit(model, *examples, config.fitting, folder, bench.seed("fit"))


def autoencoder(bench: Bench, config: PretrainConfig, env: EnvConfig) -> Autoencoder:
    """Return the network of `config` for frames of `env`, with initial weights, on the CPU."""
    frames, seed = bench.frames(env, "train"), bench.seed("model")
    return Autoencoder.for_frames(config.autoencoder, env.frame.shape, frames, seed)


def image_work(bench: Bench) -> tuple[Work, ...]:
    """Count the operations of a training step for each of its images, forward and backward."""
    config = bench.config.pretrain
    model = autoencoder(bench, config, bench.config.car_racing)
    batch = FrameExamples(bench.frames(bench.config.car_racing, "train")).read(np.arange(COUNTED))

    def step() -> None:
        loss, _ = model.loss(batch, torch.Generator().manual_seed(0), 0)
        loss.backward()  # type: ignore[no-untyped-call]

    precision = resolve_precision(config.precision, torch.device(bench.device))
    resource: Resource = "bfloat16" if precision == "bfloat16" else "float32"
    return (Work(resource=resource, amount=operations(step) / COUNTED, of="an image"),)


def image_speed(bench: Bench) -> Comparison:
    """Compare images per second of `fit` and of the usual script."""
    pretrain, env = bench.config.pretrain, bench.config.car_racing
    rate, batch_size = pretrain.learning_rate, pretrain.batch_size
    steps = -(-bench.config.images.images // batch_size)
    config, store = short_fit(pretrain, steps), bench.store(env)
    frames = bench.all_frames(env)

    def ours(watch: Stopwatch) -> float:
        train_ours(bench, config, store, watch)
        return steps * batch_size

    def theirs(watch: Stopwatch) -> float:
        with watch.paused():
            model = UsualVAE(channels=frames.shape[-1])
        return train_usually(
            model, frames, batch_size, rate, bench.device, lambda step: step < steps
        )

    return bench.compare(Contest(ours, theirs))
