"""Slopes of power laws, and points that take turns."""

from __future__ import annotations

import numpy as np
import pytest

from agents.benchmark.measure import Side, Stopwatch
from agents.benchmark.scaling.curve import ScalingCurve, measure_points
from tests.agents.benchmark.synthetic import FakeClock

X = (1.0, 3.0, 10.0, 50.0)


def curve(y: tuple[float, ...]) -> ScalingCurve:
    return ScalingCurve(stage="encoding", quantity="n", cost="s", expected=1, x=X, y=y)


@pytest.mark.parametrize("power", [-1, 0, 0.5, 1, 2])
def test_the_slope_is_the_power(power: float) -> None:
    assert curve(tuple(0.3 * x**power for x in X)).slope == pytest.approx(power, abs=1e-12)


def test_the_slope_is_that_of_least_squares_on_the_logarithms() -> None:
    y = (1.0, 4.0, 9.0, 60.0)
    log_x, log_y = np.log(X), np.log(y)
    centred = log_x - log_x.mean()
    assert curve(y).slope == pytest.approx((centred @ log_y) / (centred @ centred))


def test_points_take_turns_and_their_median_counts() -> None:
    clock, order = FakeClock(), []

    def side(x: int) -> Side:
        drift = iter([1000, 1, 7, 2])  # the first is the warm-up

        def work(_: Stopwatch) -> float:
            order.append(x)
            clock.now += next(drift) * x**2
            return 4

        return work

    costs = measure_points([(x, side(x)) for x in (1, 10)], repeats=3, clock=clock)
    assert costs == (2 * 1 / 4, 2 * 100 / 4)
    assert order == [1, 10] * 4
