"""The smallest difference that can be seen: published quantiles, and what a t-test then finds."""

from __future__ import annotations

import numpy as np
import pytest

from worldvae.stats import detectable_difference, t_quantile

PUBLISHED = (
    (0.975, 1, 12.706),
    (0.975, 2, 4.303),
    (0.975, 4, 2.776),
    (0.975, 9, 2.262),
    (0.975, 120, 1.980),
    (0.8, 1, 1.376),
    (0.8, 4, 0.941),
    (0.8, 9, 0.883),
)
"""Any table of Student's t."""


@pytest.mark.parametrize(("probability", "degrees", "expected"), PUBLISHED)
def test_quantiles_are_published(probability: float, degrees: int, expected: float) -> None:
    assert t_quantile(probability, degrees) == pytest.approx(expected, abs=6e-4)


def test_quantiles_with_a_closed_form() -> None:
    """1 degree: tan(pi (p - 1/2)); 2 degrees: (2p - 1) sqrt(2 / (4 p (1 - p)))."""
    for p in (0.5, 0.6, 0.8, 0.975):
        assert t_quantile(p, 1) == pytest.approx(np.tan(np.pi * (p - 0.5)), abs=1e-12)
        expected = (2 * p - 1) * np.sqrt(2 / (4 * p * (1 - p)))
        assert t_quantile(p, 2) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("probability", [0.3, 1.0])
def test_quantiles_below_the_middle_are_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        t_quantile(probability, 4)


def test_five_seeds_by_hand() -> None:
    """s = sqrt 2.5, n = 5: (2.7764 + 0.9410) sqrt(2.5 / 5) = 2.6286."""
    assert detectable_difference([[1.0, 2.0, 3.0, 4.0, 5.0]]) == pytest.approx(2.6286, abs=1e-4)


def test_tasks_that_are_alike_count_as_more_seeds() -> None:
    """Three tasks as above: s / sqrt n is sqrt(0.5 / 3), with 3 x 4 = 12 degrees of freedom."""
    expected = (t_quantile(0.975, 12) + t_quantile(0.8, 12)) * np.sqrt(0.5 / 3)
    assert detectable_difference([[1.0, 2.0, 3.0, 4.0, 5.0]] * 3) == pytest.approx(expected)


def test_unlike_tasks_have_the_degrees_of_welch() -> None:
    """Variances of the means 0.5 and 0: only the first task's 4 degrees are left."""
    expected = (t_quantile(0.975, 4) + t_quantile(0.8, 4)) * np.sqrt(0.5) / 2
    found = detectable_difference([[1.0, 2.0, 3.0, 4.0, 5.0], [7.0, 7.0, 7.0]])
    assert found == pytest.approx(expected)


def test_where_nothing_varies_everything_is_seen_and_one_seed_sees_nothing() -> None:
    assert detectable_difference([[2.0, 2.0, 2.0]]) == 0.0
    assert detectable_difference([[0.1, 0.1, 0.1]]) == pytest.approx(0.0, abs=1e-15)
    assert np.isnan(detectable_difference([[3.0]]))


def test_episodes_count_as_one_seed() -> None:
    assert detectable_difference([[[0.0, 2.0], [1.0, 3.0]]]) == detectable_difference([[1.0, 2.0]])


@pytest.mark.parametrize(("n", "power"), [(5, 0.8), (10, 0.8), (10, 0.9)])
def test_a_t_test_finds_that_difference_as_often_as_promised(n: int, power: float) -> None:
    """Differences of deviation 3 around the detectable one, tested 40,000 times."""
    shape = np.linspace(-1.0, 1.0, n)
    spread = 3.0 * shape / shape.std(ddof=1)  # a sample whose deviation is the true one
    true = detectable_difference([spread], power)
    trials = np.random.default_rng(0).normal(true, 3.0, size=(40_000, n))
    t = trials.mean(axis=1) / (trials.std(axis=1, ddof=1) / np.sqrt(n))
    assert np.mean(np.abs(t) > t_quantile(0.975, n - 1)) == pytest.approx(power, abs=0.015)
