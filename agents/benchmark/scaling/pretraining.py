"""How pretraining grows with the batch, the frames stored, and the frame size."""

from __future__ import annotations

from pathlib import Path

from agents.benchmark.bench import Bench
from agents.benchmark.measure import Side, Stopwatch
from agents.benchmark.memory import linked_store
from agents.benchmark.pretraining import short_fit, train_ours
from agents.benchmark.scaling.curve import ScalingCurve, measure_curve, sized
from worldvae.envs import EnvConfig
from worldvae.rollouts import RolloutStore

STORED_LENGTH = 500
"""Frames of an episode of noise."""


def pretraining_curves(bench: Bench) -> list[ScalingCurve]:
    """Measure pretraining on stores of noise, of which the largest is mostly hard links."""
    settings, env = bench.config.scaling, bench.config.car_racing
    middle, stage, step = settings.batch_size, "pretraining", "s per step"
    batches = [max(1, middle * count // settings.num_envs[-1]) for count in settings.num_envs]
    with bench.scratch() as folder:

        def by_batch(size: int) -> Side:
            store = _noise(bench, folder / f"batch_{size}", env, 0)
            return _steps(bench, store, size)

        def by_frames(count: int) -> Side:
            store = _noise(bench, folder / f"frames_{count}", env, count)
            return _steps(bench, store, middle)

        def by_size(size: int) -> Side:
            store = _noise(bench, folder / f"size_{size}", sized(env, size), 0)
            return _steps(bench, store, middle)

        return [
            measure_curve(bench, stage, ("frames per step", step), 1, batches, by_batch),
            measure_curve(bench, stage, ("frames stored", step), 0, settings.stored, by_frames),
            measure_curve(bench, stage, ("frame side, pixels", step), 2, settings.sides, by_size),
        ]


def _noise(bench: Bench, folder: Path, env: EnvConfig, frames: int) -> RolloutStore:
    """Make a store of at least `frames` frames of noise, and of ten episodes."""
    shape = (max(10, frames // STORED_LENGTH), STORED_LENGTH - 1, 2)
    return linked_store(folder, env, shape, bench.seed("scaling"))


def _steps(bench: Bench, store: RolloutStore, batch_size: int) -> Side:
    """Return a side that makes a few optimiser steps on `store`."""
    settings = bench.config.scaling
    config = short_fit(bench.config.pretrain, settings.train_steps)
    config = config.model_copy(update={"batch_size": batch_size})

    def side(watch: Stopwatch) -> float:
        train_ours(bench, config, store, watch)
        return settings.train_steps

    return side
