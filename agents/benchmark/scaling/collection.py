"""How collection grows with environments, frames, and frame size."""

from __future__ import annotations

from agents.benchmark.bench import Bench
from agents.benchmark.collection import every_step, stored
from agents.benchmark.measure import Side
from agents.benchmark.scaling.curve import ScalingCurve, counted_as, measure_curve, sized


def collection_curves(bench: Bench) -> list[ScalingCurve]:
    """Measure collection on Pong, whose environments are created quickly."""
    settings, pong = bench.config.scaling, every_step(bench.config.pong)
    steps, frames, num_envs = settings.vector_steps, settings.frames[-1], settings.num_envs[-2]

    def by_envs(count: int) -> Side:
        return counted_as(stored(bench, pong, max(100, steps * count), count), steps)

    def by_frames(count: int) -> Side:
        return counted_as(stored(bench, pong, count, num_envs), 1)

    def by_size(size: int) -> Side:
        return counted_as(stored(bench, sized(pong, size), frames, num_envs), frames)

    by_side = ("frame side, pixels", "s per frame")
    by_count = ("environments", "s per vector step")
    stage = "collection"
    return [
        measure_curve(bench, stage, by_count, 1, settings.num_envs, by_envs),
        measure_curve(bench, stage, ("frames stored", "s"), 1, settings.frames, by_frames),
        measure_curve(bench, stage, by_side, 2, settings.sides, by_size),
    ]
