"""Success rates of two arms: exact tests known from tables, and their shifts."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import scipy.stats

from tests.draws import generator, resampling
from worldvae.stats import success_difference


def test_five_that_succeed_against_five_that_fail_have_the_least_p() -> None:
    """2 of the 252 ways to deal ten seeds out."""
    found = success_difference([1.0] * 5, [0.0] * 5, resampling())
    assert found.p == 2 / 252
    assert found.value == 1.0
    assert np.isnan([found.low, found.high, found.a_worse, found.b_worse]).all()
    assert found.told_apart


@pytest.mark.parametrize(("failures", "told"), [(1, False), (3, False), (4, True)])
def test_failed_trainings_have_the_p_of_fishers_exact_test(failures: int, told: bool) -> None:
    rates = [0.0] * failures + [1.0] * (5 - failures)
    found = success_difference([1.0] * 5, rates, resampling())
    one_sided = scipy.stats.fisher_exact([[5, 0], [5 - failures, failures]], "greater").pvalue
    assert found.p == pytest.approx(min(1.0, 2 * one_sided))
    assert found.told_apart is told


def test_one_failed_seed_tells_no_arm_apart() -> None:
    """DoorKey's untrained arm against the true state."""
    found = success_difference([1.0] * 5, [1.0, 0.0, 1.0, 1.0, 1.0], resampling())
    assert found.p == 1.0
    assert found.value == pytest.approx(0.2)


def test_arms_alike_have_a_p_of_1() -> None:
    assert success_difference([1.0] * 5, [1.0] * 5, resampling()).p == 1.0


def test_equal_rates_are_equal_whatever_their_sums_are_rounded_to() -> None:
    """Of the 35 deals 7 leave the first arm 1.2 in all or less, in tenths, which are exact."""
    a, b = [0.5, 0.3, 0.4], [0.7, 0.5, 0.3, 0.7]
    tenths = [round(10 * rate) for rate in a + b]
    shares = [sum(deal) <= 12 for deal in combinations(tenths, 3)]
    assert (sum(shares), len(shares)) == (7, 35)
    assert success_difference(a, b, resampling()).p == pytest.approx(2 * 7 / 35)


def test_arms_that_change_places_change_the_sign() -> None:
    a, b = [1.0, 0.9, 0.8, 1.0, 0.3], [0.5, 0.9, 0.6, 0.2, 0.4]
    one, other = success_difference(a, b, resampling()), success_difference(b, a, resampling())
    assert (one.value, one.p) == (-other.value, other.p)


def test_equal_arms_are_told_apart_in_at_most_five_percent() -> None:
    """Trainings that solve the task with probability 0.8, and fail else."""
    draws = generator(1)
    told = [
        success_difference(*(draws.random((2, 5)) < 0.8).astype(float), resampling()).told_apart
        for _ in range(300)
    ]
    assert np.mean(told) <= 0.05


def test_what_could_be_seen_is_the_binomial_law() -> None:
    """Of five, at most one may succeed (p = 0.048): 1 - q with P(Binom(5, q) <= 1) = 0.8."""
    found = success_difference([1.0] * 5, [0.5] * 5, resampling()).detectable
    assert scipy.stats.binom.cdf(1, 5, 1 - found) == pytest.approx(0.8)
    assert np.isnan(success_difference([1.0] * 3, [0.5] * 3, resampling()).detectable)


@pytest.mark.parametrize(("n", "m"), [(10, 3), (3, 10)])
def test_what_could_be_seen_of_unlike_numbers_of_seeds_is_failures_of_the_second_arm(
    n: int, m: int
) -> None:
    """By Fisher's test: beside 10 successes none of 3 may succeed, beside 3 at most one of 10."""
    tables = [[[n, 0], [solved, m - solved]] for solved in range(m)]
    told = [2 * scipy.stats.fisher_exact(table, "greater").pvalue <= 0.05 for table in tables]
    found = success_difference([1.0] * n, [0.5] * m, resampling()).detectable
    assert scipy.stats.binom.cdf(sum(told) - 1, m, 1 - found) == pytest.approx(0.8)


def test_many_seeds_are_dealt_at_random() -> None:
    a, b = np.ones(12), np.r_[np.ones(9), np.zeros(3)]
    drawn = success_difference(a, b, resampling(resamples=20_000)).p
    exact = 2 * scipy.stats.fisher_exact([[12, 0], [9, 3]], "greater").pvalue
    assert drawn == pytest.approx(exact, abs=0.02)


def test_a_single_seed_shows_nothing() -> None:
    found = success_difference([1.0], [0.0, 0.0], resampling())
    assert found.value == 1.0
    assert np.isnan([found.low, found.p, found.detectable]).all()
