"""Two arms by hand, and how often equal arms are told apart by chance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats

from tests.draws import generator, resampling
from worldvae.stats import (
    Resampling,
    TaskScores,
    paired_difference,
    permutation_p,
    probability_of_improvement,
    stratified_difference,
    stratified_improvement,
)


def test_paired_difference_removes_what_the_pairs_share() -> None:
    """The seeds differ by hundreds, the arms by exactly 2."""
    b = np.array([0.0, 300.0, -500.0, 900.0])
    found = paired_difference(b + 2.0, b, resampling())
    assert (found.value, found.low, found.high, found.n) == (2.0, 2.0, 2.0, 4)


def test_paired_difference_over_episodes_and_its_sign() -> None:
    found = paired_difference([[1.0, 3.0], [5.0, 5.0]], [[4.0, 4.0], [6.0, 8.0]], resampling())
    assert found.value == -2.0
    assert (found.low, found.high) == (-2.0, -2.0)


def test_unequal_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="pairs"):
        paired_difference([1.0, 2.0], [1.0], resampling())


def test_differences_are_paired_within_tasks() -> None:
    """The seeds differ by hundreds, the arms by 2 in one task and by 4 in the other."""
    b = {"x": [0.0, 300.0, -500.0], "y": [7.0, 900.0]}
    a = {"x": [2.0, 302.0, -498.0], "y": [11.0, 904.0]}
    found = stratified_difference(a, b, resampling())
    assert (found.value, found.low, found.high, found.n) == (3.0, 3.0, 3.0, 2)


@pytest.mark.parametrize(
    ("b", "message"),
    [
        ({"x": [1.0, 2.0]}, "same tasks"),
        ({"x": [1.0, 2.0], "z": [1.0]}, "same tasks"),
        ({"x": [1.0], "y": [1.0]}, "as many seeds"),
    ],
)
def test_unlike_sides_are_refused(b: TaskScores, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        stratified_difference({"x": [1.0, 2.0], "y": [1.0]}, b, resampling())


def test_single_seeds_are_never_told_apart() -> None:
    found = paired_difference([3.0], [1.0], resampling())
    assert np.isnan([found.low, found.p]).all()
    assert not found.told_apart


def test_five_seeds_that_do_not_overlap_have_the_least_p() -> None:
    """2 of the 252 ways to deal ten seeds out."""
    found = paired_difference([11.0, 12, 13, 14, 15], [1.0, 2, 3, 4, 5], resampling())
    assert found.p == 2 / 252
    assert found.told_apart


def test_two_tasks_multiply_their_ways() -> None:
    """Of 20 ways in each of two tasks with three seeds, only one in both is as far, either side."""
    a, b = [[11.0, 12, 13]] * 2, [[1.0, 2, 3]] * 2
    assert permutation_p(a, b, resampling()) == 2 / 400


def test_where_there_are_more_ways_than_draws_p_is_drawn() -> None:
    """Two tasks of six seeds an arm: 924 ways in each, and only one is as far, either side."""
    a, b = [[11.0, 12, 13, 14, 15, 16]] * 2, [[1.0, 2, 3, 4, 5, 6]] * 2
    assert permutation_p(a, b, resampling(resamples=999)) == 1 / 1_000
    near = generator(1).normal(0.6, 1, (2, 6)), generator(2).normal(0, 1, (2, 6))
    drawn = permutation_p(*near, resampling(resamples=100_000))
    every = permutation_p(*near, resampling(resamples=924**2))
    assert drawn == pytest.approx(every, abs=0.006)


def test_p_is_that_of_scipys_exact_test() -> None:
    a, b = generator(1).normal(1, 1, 5), generator(2).normal(0, 1, 5)

    def statistic(first: np.ndarray, second: np.ndarray) -> float:
        return float(first.mean() - second.mean())

    exact = scipy.stats.permutation_test((a, b), statistic, n_resamples=np.inf).pvalue
    assert permutation_p([a], [b], resampling()) == pytest.approx(exact)


@pytest.mark.parametrize(
    "draw", [np.random.Generator.standard_normal, np.random.Generator.standard_exponential]
)
def test_equal_arms_are_seldom_told_apart(
    draw: Callable[[np.random.Generator, tuple[int, int]], np.ndarray],
) -> None:
    """At most 5 % of 1,000 comparisons of five seeds each, and more by the interval alone."""
    draws, trials = generator(3), 1_000
    found = [paired_difference(*draw(draws, (2, 5)), Resampling(draws, 500)) for _ in range(trials)]
    by_interval = np.mean([f.low > 0 or f.high < 0 for f in found])
    told = np.mean([f.told_apart for f in found])
    assert told <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / trials)
    assert by_interval > 0.1


def test_probability_of_improvement_counts_pairs_and_halves_ties() -> None:
    """Of the 6 pairs (3, 1) (3, 3) (3, 9) (5, 1) (5, 3) (5, 9): 3 wins, 1 tie."""
    found = probability_of_improvement([3.0, 5.0], [1.0, 3.0, 9.0], resampling())
    assert found.value == pytest.approx(3.5 / 6)
    assert found.low <= found.value <= found.high
    assert found.n == 2


def test_probability_of_improvement_of_separated_arms_is_certain() -> None:
    found = probability_of_improvement([5.0, 6.0, 7.0], [1.0, 2.0], resampling())
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    mirrored = probability_of_improvement([1.0, 2.0], [5.0, 6.0, 7.0], resampling())
    assert mirrored.value == 0.0


def test_probability_of_improvement_between_normals_matches_its_closed_form() -> None:
    """P(A > B) for N(1, 1) and N(0, 1) is Phi(1 / sqrt 2) = 0.7602."""
    draws = generator(5)
    found = probability_of_improvement(
        draws.normal(1, 1, 300), draws.normal(0, 1, 300), Resampling(draws, 500)
    )
    assert found.value == pytest.approx(0.7602, abs=0.03)
    assert found.low < 0.7602 < found.high


def test_one_seed_improves_with_an_unknown_probability() -> None:
    found = probability_of_improvement([1.0], [0.0, 2.0], resampling())
    assert found.value == 0.5
    assert np.isnan([found.low, found.high]).all()


def test_improvement_is_averaged_over_tasks() -> None:
    """Pairs won: 3.5 of 6 in the first task, 2 of 2 in the second."""
    a, b = {"x": [3.0, 5.0], "y": [9.0]}, {"y": [1.0, 2.0], "x": [1.0, 3.0, 9.0]}
    found = stratified_improvement(a, b, resampling())
    assert found.value == pytest.approx((3.5 / 6 + 1) / 2)
    assert found.n == 1
    assert np.isnan(found.low)


def test_lists_of_unlike_length_are_refused() -> None:
    with pytest.raises(ValueError, match="same tasks"):
        stratified_improvement([[1.0]], [[1.0], [2.0]], resampling())
