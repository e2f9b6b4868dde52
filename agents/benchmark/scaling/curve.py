"""A curve of cost against one quantity, and how its points are measured.

On logarithmic axes a cost that grows with the p-th power of x is a line of slope p.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from pydantic import Field

from agents.benchmark.bench import Bench
from agents.benchmark.machine import Machine
from agents.benchmark.measure import Clock, Side, Stopwatch, run_lap
from worldvae.envs import EnvConfig, FrameConfig
from worldvae.json_files import Content


class ScalingCurve(Content):
    """The cost of one stage against one quantity."""

    stage: str = Field(description="What is done.")
    quantity: str = Field(description="The quantity that grows, with its unit.")
    cost: str = Field(description="The measured cost, with its unit.")
    expected: float = Field(description="The largest slope that is expected.")
    x: tuple[float, ...] = Field(description="Values of the quantity.")
    y: tuple[float, ...] = Field(description="Costs at these values.")
    machine: Machine | None = Field(None, description="The machine of the measurement.")

    @property
    def slope(self) -> float:
        """The slope of the least-squares line through the logarithms."""
        return float(np.polyfit(np.log(self.x), np.log(self.y), 1)[0])


Point = tuple[float, Side]
"""A quantity, and the side whose cost per amount of work is measured for it."""


def measure_points(points: Sequence[Point], repeats: int, clock: Clock) -> tuple[float, ...]:
    """Return the median seconds per amount of work at each point.

    All points take turns, so that a drift in speed affects all of them.
    """
    for _, side in points:
        run_lap(side, clock)
    turns = [[1 / run_lap(side, clock).rate for _, side in points] for _ in range(repeats)]
    return tuple(float(cost) for cost in np.median(turns, axis=0))


def measure_curve(
    bench: Bench,
    stage: str,
    axes: tuple[str, str],
    expected: float,
    xs: Sequence[int],
    side: Callable[[int], Side],
) -> ScalingCurve:
    """Measure the cost of `side(x)` at each of `xs`; `axes` name the quantity and the cost."""
    repeats = bench.config.scaling.repeats
    costs = measure_points([(x, side(x)) for x in xs], repeats, bench.clock)
    quantity, cost = axes
    return ScalingCurve(stage=stage, quantity=quantity, cost=cost, expected=expected, x=xs, y=costs)


def counted_as(side: Side, amount: float) -> Side:
    """Return `side` with `amount` as its amount of work."""

    def counted(watch: Stopwatch) -> float:
        side(watch)
        return amount

    return counted


def sized(env: EnvConfig, size: int) -> EnvConfig:
    """Return `env` with square frames of `size` pixels a side."""
    return env.model_copy(update={"frame": FrameConfig(height=size, width=size)})
