"""The rule covers what it promises; the percentile bootstrap, which was not taken, does not."""

from __future__ import annotations

import pytest

from tests.draws import generator
from worldvae.stats import LAWS, simulate

CAR_RACING = {"latent, pixels": (25.8, 42.4), "latent, untrained": (25.8, 20.9)}
"""Deviations over the five published seeds of either arm."""


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("pair", CAR_RACING)
def test_the_interval_holds_the_truth_as_often_as_it_says(pair: str, seeds: int) -> None:
    found = simulate(CAR_RACING[pair], seeds, 50.0, generator(seeds), comparisons=10_000)
    assert found.coverage == pytest.approx(0.955, abs=0.012)


def test_a_percentile_interval_would_not() -> None:
    found = simulate((25.8, 42.4), 5, 50.0, generator(1), comparisons=600, resamples=300)
    assert found.coverage > 0.92
    assert found.percentile_coverage == pytest.approx(0.87, abs=0.04)


def test_a_tail_and_unlike_spreads_cost_five_points() -> None:
    found = simulate((14.6, 5.1), 5, 0.0, generator(2), law=LAWS["skewed"])
    assert found.coverage == pytest.approx(0.90, abs=0.015)


def test_skewed_scores_are_in_the_units_of_normal_ones_and_fall_far_behind() -> None:
    """1 less an exponential number: nothing is above 1, and one in e^6 is below -5."""
    drawn = LAWS["skewed"](generator(4), (100, 1_000))
    assert (drawn.mean(), drawn.std()) == pytest.approx((0.0, 1.0), abs=0.02)
    assert drawn.max() <= 1
    assert (drawn < -5).mean() == pytest.approx(2.48e-3, rel=0.2)


@pytest.mark.parametrize(
    ("difference", "found"), [(0.0, 0.025), (46.0, 0.42), (74.5, 0.8), (-74.5, 0.8)]
)
def test_what_is_found(difference: float, found: float) -> None:
    """46 could have been seen by the old, paired formula; the rule finds it in two of five runs."""
    simulated = simulate((25.8, 42.4), 5, difference, generator(3))
    assert simulated.found == pytest.approx(found, abs=0.02)
