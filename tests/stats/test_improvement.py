"""Probabilities of improvement, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.draws import generator, resampling
from worldvae.stats import Resampling, probability_of_improvement, stratified_improvement


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


def test_the_seeds_of_either_arm_are_resampled() -> None:
    """One of two seeds is above all of the other arm: a quarter of the draws have it twice."""
    two, many = [0.0, 10.0], [5.0] * 50
    for arms in ((two, many), (many, two)):
        found = probability_of_improvement(*arms, resampling())
        assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.0, 1.0))


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
