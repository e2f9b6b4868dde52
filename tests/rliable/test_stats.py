"""worldvae.stats against rliable 1.2: `make rliable` makes the environment that it needs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.draws import resampling
from worldvae import stats

REASON = "rliable needs an environment of its own: make rliable"
library: Any = pytest.importorskip("rliable.library", reason=REASON, exc_type=ImportError)
metrics: Any = pytest.importorskip("rliable.metrics", reason=REASON, exc_type=ImportError)

EXACT = 1e-12
RESAMPLES = 20_000
AGGREGATES = {
    "mean": (stats.mean_of_tasks, metrics.aggregate_mean),
    "median": (stats.median_of_tasks, metrics.aggregate_median),
    "iqm": (stats.interquartile_mean_of_tasks, metrics.aggregate_iqm),
    "gap": (stats.optimality_gap, metrics.aggregate_optimality_gap),
}


def seed_rliable() -> None:
    """Its bootstrap draws from numpy's global generator."""
    np.random.seed(0)


def scores(seeds: int, tasks: int, seed: int = 0, level: float = 0.7) -> Any:
    """(S, M) as rliable wants them; ours are its columns. Tasks differ in level and spread."""
    draws = np.random.default_rng(seed)
    sizes = np.linspace(0.5, 2.0, tasks)
    return level * sizes + sizes * draws.gamma(2.0, 0.3, size=(seeds, tasks))


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (5, 2), (5, 7), (10, 26), (11, 3)])
@pytest.mark.parametrize("name", AGGREGATES)
def test_aggregates_are_equal(name: str, shape: tuple[int, int]) -> None:
    ours, theirs = AGGREGATES[name]
    table = scores(*shape)
    assert float(ours(list(table.T))) == pytest.approx(theirs(table), abs=EXACT)


@pytest.mark.parametrize("gamma", [0.4, 1.0, 3.0])
def test_optimality_gaps_are_equal(gamma: float) -> None:
    table = scores(5, 6)
    ours = float(stats.optimality_gap(list(table.T), gamma))
    assert ours == pytest.approx(metrics.aggregate_optimality_gap(table, gamma), abs=EXACT)


@pytest.mark.parametrize("shape", [(5, 1), (5, 6), (10, 3)])
@pytest.mark.parametrize("name", AGGREGATES)
def test_intervals_agree(name: str, shape: tuple[int, int]) -> None:
    """Ends of either interval are Monte-Carlo estimates: within 4 % of its width."""
    ours, theirs = AGGREGATES[name]
    table = scores(*shape)
    low, high = stats.stratified_interval(list(table.T), ours, resampling(resamples=RESAMPLES))
    seed_rliable()
    _, intervals = library.get_interval_estimates(
        {"a": table}, lambda table: np.array([theirs(table)]), reps=5_000
    )
    np.testing.assert_allclose([low, high], intervals["a"][:, 0], atol=0.04 * (high - low))


@pytest.mark.parametrize(("n", "m", "tasks"), [(5, 5, 1), (5, 8, 4), (10, 10, 26)])
def test_probabilities_of_improvement_are_equal(n: int, m: int, tasks: int) -> None:
    a, b = scores(n, tasks), scores(m, tasks, seed=1, level=0.6)
    ours = stats.stratified_improvement(list(a.T), list(b.T), resampling(resamples=10))
    assert ours.value == pytest.approx(metrics.probability_of_improvement(a, b), abs=EXACT)


def test_ties_count_half_on_either_side() -> None:
    a, b = np.array([[1.0], [2.0], [2.0]]), np.array([[2.0], [2.0], [5.0], [1.0]])
    ours = stats.probability_of_improvement(a[:, 0], b[:, 0], resampling())
    assert ours.value == pytest.approx(metrics.probability_of_improvement(a, b), abs=EXACT)
    same = stats.probability_of_improvement(a[:, 0], a[:, 0], resampling())
    assert same.value == metrics.probability_of_improvement(a, a) == 0.5


def test_intervals_of_the_probability_of_improvement_agree() -> None:
    """1,000 resamples of rliable: it runs a rank test in each."""
    a, b = scores(6, 3), scores(8, 3, seed=1, level=0.5)
    found = stats.stratified_improvement(list(a.T), list(b.T), resampling(resamples=RESAMPLES))
    seed_rliable()
    _, intervals = library.get_interval_estimates(
        {"ab": [a, b]},
        lambda a, b: np.array([metrics.probability_of_improvement(a, b)]),
        reps=1_000,
    )
    atol = 0.08 * (found.high - found.low)
    np.testing.assert_allclose([found.low, found.high], intervals["ab"][:, 0], atol=atol)


@pytest.mark.parametrize("tasks", [1, 5])
def test_profiles_are_equal_and_their_bands_agree(tasks: int) -> None:
    table, taus = scores(10, tasks), np.linspace(0.0, 4.0, 21)
    found = stats.performance_profile(list(table.T), taus, resampling(resamples=RESAMPLES))
    seed_rliable()
    shares, bands = library.create_performance_profile({"a": table}, taus, reps=2_000)
    np.testing.assert_allclose(found.share, shares["a"], atol=EXACT)
    # A share of S x M runs moves in steps of 1 / (S M): an end may fall on the next one.
    step = 1.01 / table.size
    np.testing.assert_allclose([found.low, found.high], bands["a"], atol=step)
