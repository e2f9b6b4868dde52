"""Measures how cost grows with environments, frames and frame size, as slopes.

On logarithmic axes a cost that grows with the p-th power of x is a line of slope p.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from agents.benchmark.bench import Bench
from agents.benchmark.collection import every_step, stored
from agents.benchmark.encoding import encode_steps
from agents.benchmark.measure import Clock, Side, Stopwatch, run_lap
from agents.benchmark.memory import linked_store
from agents.benchmark.pretraining import short_fit, train_ours
from worldvae.autoencoders.encoder import Encoder
from worldvae.config import Config
from worldvae.envs import EnvConfig, FrameConfig
from worldvae.rollouts import RolloutConfig, RolloutStore

Stage = Literal["collection", "pretraining", "encoding"]

STORED_LENGTH = 500
"""Frames of an episode of noise."""
FRAMES_TO_WHITEN = 500
ENCODED_STEPS = 20
"""Vector steps per point of encoding."""


class ScalingCurve(Config):
    """The cost of one stage against one quantity."""

    stage: Stage = Field(description="What is done.")
    quantity: str = Field(description="The quantity that grows, with its unit.")
    cost: str = Field(description="The measured cost, with its unit.")
    expected: float = Field(description="The largest slope that is expected.")
    x: tuple[float, ...] = Field(description="Values of the quantity.")
    y: tuple[float, ...] = Field(description="Costs at these values.")

    @property
    def slope(self) -> float:
        """The slope of the least-squares line through the logarithms."""
        return float(np.polyfit(np.log(self.x), np.log(self.y), 1)[0])


Point = tuple[float, Side]
"""A quantity, and the side whose cost per amount of work is measured for it."""


def measure_scaling(bench: Bench) -> tuple[ScalingCurve, ...]:
    """Measure nine curves: three stages with three quantities each."""
    return (*_collection(bench), *_pretraining(bench), *_encoding(bench))


def measure_points(points: Sequence[Point], repeats: int, clock: Clock) -> tuple[float, ...]:
    """Return the median seconds per amount of work at each point.

    All points take turns, so that a drift in speed affects all of them.
    """
    for _, side in points:
        run_lap(side, clock)
    turns = [[1 / run_lap(side, clock).rate for _, side in points] for _ in range(repeats)]
    return tuple(float(cost) for cost in np.median(turns, axis=0))


def _curve(
    bench: Bench,
    stage: Stage,
    axes: tuple[str, str],
    expected: float,
    xs: Sequence[int],
    side: Callable[[int], Side],
) -> ScalingCurve:
    repeats = bench.config.scaling.repeats
    costs = measure_points([(x, side(x)) for x in xs], repeats, bench.clock)
    quantity, cost = axes
    return ScalingCurve(stage=stage, quantity=quantity, cost=cost, expected=expected, x=xs, y=costs)


def _counted_as(side: Side, amount: float) -> Side:
    """Return `side` with `amount` as its amount of work."""

    def counted(watch: Stopwatch) -> float:
        side(watch)
        return amount

    return counted


def _sized(env: EnvConfig, size: int) -> EnvConfig:
    return env.model_copy(update={"frame": FrameConfig(height=size, width=size)})


def _collection(bench: Bench) -> list[ScalingCurve]:
    """Measure collection on Pong, whose environments are created quickly."""
    settings, pong = bench.config.scaling, every_step(bench.config.pong)
    steps, frames, num_envs = settings.vector_steps, settings.frames[-1], settings.num_envs[-2]

    def by_envs(count: int) -> Side:
        return _counted_as(stored(bench, pong, max(100, steps * count), count), steps)

    def by_frames(count: int) -> Side:
        return _counted_as(stored(bench, pong, count, num_envs), 1)

    def by_size(size: int) -> Side:
        return _counted_as(stored(bench, _sized(pong, size), frames, num_envs), frames)

    by_side = ("frame side, pixels", "s per frame")
    by_count = ("environments", "s per vector step")
    return [
        _curve(bench, "collection", by_count, 1, settings.num_envs, by_envs),
        _curve(bench, "collection", ("frames stored", "s"), 1, settings.frames, by_frames),
        _curve(bench, "collection", by_side, 2, settings.sides, by_size),
    ]


def _pretraining(bench: Bench) -> list[ScalingCurve]:
    """Measure pretraining on stores of noise, of which the largest is mostly hard links."""
    settings, env = bench.config.scaling, bench.config.car_racing
    middle, step = settings.batch_size, "s per step"
    batches = [max(1, middle * count // settings.num_envs[-1]) for count in settings.num_envs]
    with bench.scratch() as folder:

        def side(name: str, env: EnvConfig, frames: int, batch_size: int) -> Side:
            shape = (max(10, frames // STORED_LENGTH), STORED_LENGTH - 1, 2)
            store = linked_store(folder / name, env, shape, bench.seed("scaling"))
            return _steps(bench, store, batch_size)

        def by_batch(size: int) -> Side:
            return side(f"batch_{size}", env, 0, size)

        def by_frames(count: int) -> Side:
            return side(f"frames_{count}", env, count, middle)

        def by_size(size: int) -> Side:
            return side(f"size_{size}", _sized(env, size), 0, middle)

        return [
            _curve(bench, "pretraining", ("frames per step", step), 1, batches, by_batch),
            _curve(bench, "pretraining", ("frames stored", step), 0, settings.stored, by_frames),
            _curve(bench, "pretraining", ("frame side, pixels", step), 2, settings.sides, by_size),
        ]


def _steps(bench: Bench, store: RolloutStore, batch_size: int) -> Side:
    """Return a side that makes a few optimiser steps on `store`."""
    settings = bench.config.scaling
    config = short_fit(bench.config.pretrain, settings.train_steps)
    config = config.model_copy(update={"batch_size": batch_size})

    def side(watch: Stopwatch) -> float:
        train_ours(bench, config, store, watch)
        return settings.train_steps

    return side


def _encoding(bench: Bench) -> list[ScalingCurve]:
    settings, env = bench.config.scaling, bench.config.pong
    generator = np.random.default_rng(bench.config.seed)
    num_envs = settings.num_envs[-2]

    def side(env: EnvConfig, steps: int, frames: int) -> Side:
        rollouts = RolloutConfig(frames=FRAMES_TO_WHITEN, policies={"random": 1.0})
        encoder = Encoder.load(bench.encoder(env, bench.config.pretrain, rollouts), bench.device)
        shape = (steps, frames, *env.frame.shape)
        noise = generator.integers(256, size=shape, dtype=np.uint8)
        return lambda _: encode_steps(encoder, noise)

    def by_envs(count: int) -> Side:
        return side(env, ENCODED_STEPS, count)

    def by_frames(count: int) -> Side:
        return side(env, 1, count)

    def by_size(size: int) -> Side:
        return side(_sized(env, size), ENCODED_STEPS, num_envs)

    step = "s per vector step"
    return [
        _curve(bench, "encoding", ("environments", step), 1, settings.num_envs, by_envs),
        _curve(bench, "encoding", ("frames in one call", "s"), 1, settings.frames, by_frames),
        _curve(bench, "encoding", ("frame side, pixels", step), 2, settings.sides, by_size),
    ]
