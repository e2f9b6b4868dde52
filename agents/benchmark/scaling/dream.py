"""How dreams grow with their number, and with their horizon."""

from __future__ import annotations

from agents.benchmark.bench import Bench
from agents.benchmark.dreams import dream_source, play_dreams
from agents.benchmark.measure import Side
from agents.benchmark.scaling.curve import ScalingCurve, counted_as, measure_curve


def dream_curves(bench: Bench) -> list[ScalingCurve]:
    """Measure dreams with random actions, whose dynamics have initial weights."""
    settings, source, stage = bench.config.scaling, dream_source(bench), "dream"
    steps, few = settings.horizons[0], settings.dreams[0]

    def by_number(count: int) -> Side:
        return counted_as(play_dreams(bench, source, count, steps), steps)

    def by_horizon(horizon: int) -> Side:
        return counted_as(play_dreams(bench, source, few, horizon), 1)

    by_count = ("dreams", "s per vector step")
    return [
        measure_curve(bench, stage, by_count, 1, settings.dreams, by_number),
        measure_curve(bench, stage, ("horizon, decisions", "s"), 1, settings.horizons, by_horizon),
    ]
