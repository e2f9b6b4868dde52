"""Spearman's correlation by hand and against SciPy, and its interval over encoders and seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from worldvae.stats import Resampling, rank_correlation, seed_agreement, spearman

FIRST = np.array([10.0, 20.0, 30.0, 40.0])
SECOND = np.array([12.0, 50.0, 20.0, 40.0])


def test_by_hand() -> None:
    # Ranks 1 2 3 4 and 1 4 2 3: 1 - 6 (0 + 4 + 1 + 1) / (4 * 15)
    assert spearman(FIRST, SECOND) == pytest.approx(0.4)
    assert spearman(FIRST, np.full(4, 7.0)) == 0, "what is equal everywhere ranks nothing"


def test_ties_share_their_ranks_as_scipy_has_it() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.integers(0, 5, (2, 30, 12)).astype(float)
    wanted = [stats.spearmanr(*pair).statistic for pair in zip(first, second, strict=True)]
    np.testing.assert_allclose(spearman(first, second), wanted)


def test_scores_count_by_their_means_however_many_they_are() -> None:
    scores = [[12.0, 12.0], [49.0, 50.0, 51.0], [20.0], [39.0, 41.0]]
    found = rank_correlation(FIRST, scores, Resampling.seeded(0, resamples=200))
    assert found.value == pytest.approx(0.4)
    assert found.n == 4
    assert -1 <= found.low < 0.4 < found.high <= 1


def test_noise_of_seeds_widens_the_interval_of_a_perfect_order() -> None:
    skill = np.arange(12.0)
    alike = [[value] * 3 for value in skill]
    noisy = [[value - 6, value, value + 6] for value in skill]
    bounds = [
        rank_correlation(skill, scores, Resampling.seeded(0, resamples=500))
        for scores in (alike, noisy)
    ]
    assert [one.value for one in bounds] == pytest.approx([1, 1])
    assert bounds[0].low == pytest.approx(1)
    assert 0 < bounds[1].low < 0.8


def test_noise_of_the_things_of_a_group_widens_the_interval() -> None:
    numbers, names = np.repeat(np.arange(12.0), 3), np.repeat([*"abcdefghijkl"], 3)
    noisy = [[value] for value in numbers + np.tile([-6.0, 0.0, 6.0], 12)]
    found = rank_correlation(numbers, noisy, Resampling.seeded(0, resamples=500), [*names])
    assert found.value == pytest.approx(1)
    assert 0 < found.low < 0.8


def test_an_interval_of_what_does_not_predict_seldom_leaves_out_0() -> None:
    generator = np.random.default_rng(3)
    outside = 0
    for seed in range(200):
        numbers, skill = generator.normal(size=(2, 12))
        scores = skill[:, None] + generator.normal(0, 0.5, (12, 3))
        found = rank_correlation(numbers, [*scores], Resampling.seeded(seed, resamples=300))
        outside += not found.low <= 0 <= found.high
    assert 2 <= outside <= 20, "5 % of 200 are 10"


def test_things_of_one_group_are_no_further_evidence() -> None:
    """Number and score are those of a configuration, which three things each share."""
    generator = np.random.default_rng(3)
    outside = dict.fromkeys(("alone", "grouped"), 0)
    names = np.repeat([*"abcdef"], 3)
    for seed in range(200):
        numbers, skill = np.repeat(generator.normal(size=(2, 6)), 3, axis=1)
        scores = [*(skill[:, None] + generator.normal(0, 0.5, (18, 3)))]
        for how, groups in (("alone", None), ("grouped", [*names])):
            draws = Resampling.seeded(seed, resamples=200)
            found = rank_correlation(numbers, scores, draws, groups)
            outside[how] += not found.low <= 0 <= found.high
    assert outside["grouped"] <= 20 < outside["alone"], "5 % of 200 are 10"


def test_a_group_ranks_by_its_means() -> None:
    numbers, scores = [10.0, 15, 25, 30, 40], [[12.0], [0.0], [100.0], [20.0], [40.0]]
    found = rank_correlation(numbers, scores, Resampling.seeded(0), [*"abbcd"])
    assert found.value == pytest.approx(0.4), "12, 50, 20, 40"
    assert found.n == 4
    few = rank_correlation(numbers, scores, Resampling.seeded(0), [*"abbca"])
    assert np.isnan([few.low, few.high]).all()


def test_three_are_too_few_for_an_interval() -> None:
    found = rank_correlation([1, 2, 3], [[1], [2], [3]], Resampling.seeded(0))
    assert found.value == pytest.approx(1)
    assert np.isnan([found.low, found.high]).all()
    with pytest.raises(ValueError, match=r"one number for each of 3, got \(2,\)"):
        rank_correlation([1, 2], [[1], [2], [3]], Resampling.seeded(0))


def test_seeds_agree_as_much_as_their_pairs_correlate() -> None:
    assert seed_agreement([[1, 1], [2, 4], [3, 2], [4, 3]]) == pytest.approx(0.4)
    three = seed_agreement([[1, 1, 4], [2, 4, 3], [3, 2, 2], [4, 3, 1]])
    assert three == pytest.approx((0.4 - 1 - 0.4) / 3)
    assert np.isnan(seed_agreement([[1, 1], [2, 4], [3, 2], [4]]))
