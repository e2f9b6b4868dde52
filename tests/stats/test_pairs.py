"""Two arms by hand, against SciPy's Welch test, and how often equal arms are told apart."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from tests.draws import generator, resampling
from worldvae.stats import Difference, TaskScores, difference, stratified_difference

FIVE = [1.0, 2.0, 3.0, 4.0, 5.0]


def welch(a: TaskScores, b: TaskScores) -> Difference:
    return stratified_difference(a, b, resampling(resamples=200))


def test_five_seeds_by_hand() -> None:
    """Both variances are 2.5: the error is sqrt(2.5 / 5 x 2) = 1, with 8 degrees of freedom."""
    found = difference(np.add(FIVE, 3.0), FIVE, resampling())
    assert (found.value, found.n) == (3.0, 5)
    assert (found.low, found.high) == pytest.approx((3 - 2.3060, 3 + 2.3060), abs=1e-4)
    assert found.p == pytest.approx(0.01707, abs=1e-5)
    assert (found.a_worse, found.b_worse) == pytest.approx((0.0, 3 + 1.8595), abs=1e-4)
    assert found.told_apart


def test_arms_that_change_places_change_all_signs() -> None:
    found = difference(FIVE, np.add(FIVE, 3.0), resampling())
    assert found.value == -3.0
    assert (found.a_worse, found.b_worse) == pytest.approx((3 + 1.8595, 0.0), abs=1e-4)


@pytest.mark.parametrize(("shift", "told"), [(2.30, False), (2.31, True), (-2.31, True)])
def test_arms_are_told_apart_where_the_interval_leaves_out_zero(shift: float, told: bool) -> None:
    """It reaches 2.3060 to either side, as in the first test."""
    found = difference(np.add(FIVE, shift), FIVE, resampling())
    assert found.told_apart is told
    assert (found.low > 0 or found.high < 0) is told


def test_p_and_interval_are_those_of_scipys_welch() -> None:
    a, b = generator(1).normal(1, 1, 5), generator(2).normal(0, 3, 4)
    found = difference(a, b, resampling())
    theirs = scipy.stats.ttest_ind(a, b, equal_var=False)
    assert found.p == pytest.approx(theirs.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert found.n == 4


def test_one_sided_bounds_are_those_of_scipys_one_sided_test() -> None:
    a, b = generator(3).normal(0, 1, 6), generator(4).normal(0, 2, 5)
    found = difference(a, b, resampling())
    theirs = scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.90)
    assert (found.a_worse, found.b_worse) == pytest.approx((-theirs.low, theirs.high))


def test_episodes_count_as_one_seed() -> None:
    episodes = difference([[0.0, 2.0], [1.0, 3.0]], [[4.0], [5.0]], resampling())
    assert episodes == difference([1.0, 2.0], [4.0, 5.0], resampling())


def test_seeds_are_not_paired() -> None:
    """Their order says nothing: the arms share a seed's number alone."""
    b = [0.0, 300.0, -500.0, 900.0]
    found = difference(np.add(b, 2.0), b, resampling())
    assert found == difference(np.add(b, 2.0)[::-1], b, resampling())
    assert not found.told_apart


def test_tasks_add_their_variances() -> None:
    """Three tasks like the first test: the error is 1 / sqrt 3, with 24 degrees of freedom."""
    found = welch([np.add(FIVE, 3.0)] * 3, [FIVE] * 3)
    half = scipy.stats.t.ppf(0.975, 24) / np.sqrt(3)
    assert (found.low, found.high) == pytest.approx((3 - half, 3 + half))


def test_what_several_tasks_find_is_the_noncentral_t() -> None:
    """The same three tasks: the power is that of 24 degrees of freedom at d / (1 / sqrt 3)."""
    found = stratified_difference([np.add(FIVE, 3.0)] * 3, [FIVE] * 3, resampling()).detectable
    bound = scipy.stats.t.ppf(0.975, 24)
    assert scipy.stats.nct.sf(bound, 24, found * np.sqrt(3)) == pytest.approx(0.8, abs=0.02)


def test_tasks_are_matched_by_name_and_may_differ_in_seeds() -> None:
    """Differences 2 and 4 without any spread."""
    a, b = {"x": [3.0, 3.0, 3.0], "y": [9.0, 9.0]}, {"y": [5.0, 5.0, 5.0], "x": [1.0, 1.0]}
    found = welch(a, b)
    assert (found.value, found.low, found.high, found.n) == (3.0, 3.0, 3.0, 2)
    assert (found.p, found.detectable) == (0.0, 0.0)


def test_alike_without_spread_is_no_difference() -> None:
    found = difference([2.0, 2.0], [2.0, 2.0], resampling())
    assert (found.p, found.told_apart) == (1.0, False)


@pytest.mark.parametrize("score", [0.1, 0.3, 1 / 3, 1e9 + 0.1])
@pytest.mark.parametrize("counts", [(20, 16), (7, 2), (9, 5)])
def test_one_score_of_many_seeds_is_one_score(counts: tuple[int, int], score: float) -> None:
    """Its mean is off by a rounding that depends on their number, and so is its deviation."""
    first, second = ([score] * count for count in counts)
    found = difference(first, second, resampling())
    assert (found.value, found.p, found.told_apart) == (0.0, 1.0, False)
    other = difference(first, [score + 1] * counts[1], resampling())
    assert (other.p, other.low, other.high) == (0.0, other.value, other.value)


@pytest.mark.parametrize("b", [{"x": [1.0, 2.0]}, {"x": [1.0, 2.0], "z": [1.0]}])
def test_unlike_tasks_are_refused(b: TaskScores) -> None:
    with pytest.raises(ValueError, match="same tasks"):
        welch({"x": [1.0, 2.0], "y": [1.0]}, b)


def test_single_seeds_are_never_told_apart() -> None:
    found = difference([3.0], [1.0, 2.0], resampling())
    assert found.value == 1.5
    assert np.isnan([found.low, found.high, found.p, found.a_worse, found.detectable]).all()
    assert not found.told_apart


@pytest.mark.parametrize("deviations", [(1.0, 1.0), (25.8, 42.4)])
def test_a_welch_test_finds_the_detectable_difference_in_80_percent(
    deviations: tuple[float, float],
) -> None:
    """20,000 runs of five seeds each, judged by SciPy."""
    shape = np.linspace(-1.0, 1.0, 5)
    unit = shape / shape.std(ddof=1)  # a sample whose deviation is the true one
    true = difference(unit * deviations[0], unit * deviations[1], resampling(1)).detectable
    draws = generator(2)
    a = draws.normal(true, deviations[0], (20_000, 5))
    b = draws.normal(0.0, deviations[1], (20_000, 5))
    theirs = scipy.stats.ttest_ind(a, b, axis=1, equal_var=False)
    assert np.mean((theirs.pvalue <= 0.05) & (theirs.statistic > 0)) == pytest.approx(0.8, abs=0.02)
