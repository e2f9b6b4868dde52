"""Seeds and tracks resampled, and the share of noise, against known components of variance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.draws import generator, resampling
from worldvae.stats import difference, evaluation_noise, two_level_difference


def returns(seed: int, seeds: int, tracks: int, deviations: tuple[float, ...]) -> np.ndarray:
    """Of seeds, of tracks and of what is left: three normal parts."""
    draws, (own, track, rest) = generator(seed), deviations
    return (
        draws.normal(0, own, (seeds, 1))
        + draws.normal(0, track, (1, tracks))
        + draws.normal(0, rest, (seeds, tracks))
    )


def test_what_a_track_adds_to_both_arms_is_no_difference() -> None:
    tracks = np.array([0.0, 500.0, -300.0, 900.0])
    found = two_level_difference([tracks + 7, tracks + 7], [tracks, tracks], resampling())
    assert (found.value, found.low, found.high, found.n) == pytest.approx((7.0, 7.0, 7.0, 2))


def test_tracks_that_suit_one_arm_widen_the_interval() -> None:
    """All seeds of an arm agree on each track: over seeds nothing varies, over tracks much does."""
    a, b = np.tile([0.0, 100.0, 0.0, 100.0], (5, 1)), np.zeros((5, 4))
    assert difference(a, b, resampling()).high == 50.0
    found = two_level_difference(a, b, resampling())
    assert (found.low, found.high) == (0.0, 100.0)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_seeds_of_either_arm_are_resampled(sign: int) -> None:
    """Tracks are all alike: the two seeds, 0 and 100, are one of them in half of the draws."""
    arms = [[0.0, 0.0], [100.0, 100.0]], [[50.0, 50.0], [50.0, 50.0]]
    found = two_level_difference(*arms[::sign], resampling())
    assert (found.value, found.low, found.high) == (0.0, -50.0, 50.0)


def test_a_single_seed_has_no_interval_and_other_tracks_are_refused() -> None:
    assert math.isnan(two_level_difference([[1.0, 2.0]], [[1.0, 2.0]] * 2, resampling()).low)
    with pytest.raises(ValueError, match="tracks must be the same"):
        two_level_difference([[1.0, 2.0]], [[1.0]], resampling())
    with pytest.raises(ValueError, match="seeds x episodes"):
        evaluation_noise([1.0, 2.0])


def test_noise_by_hand() -> None:
    """Rows less their means are (-1, 1) and (1, -1): squares sum to 4, one degree, two episodes."""
    found = evaluation_noise([[0.0, 2.0], [11.0, 9.0]])
    assert found.deviation == pytest.approx(math.sqrt(2.0))
    assert found.spread == pytest.approx(math.sqrt(40.5))
    assert found.share == pytest.approx(2 / 40.5)
    assert found.episodes_for_half == 8


def test_noise_is_at_most_all_of_the_spread() -> None:
    """Scores 1 and 1.1, while what is left of a return is 1.05: more noise than there is spread."""
    found = evaluation_noise([[0.0, 2.0], [2.2, 0.0]])
    assert found.deviation == pytest.approx(1.05 * math.sqrt(2))
    assert found.share == 1.0


def test_noise_is_that_of_the_known_components() -> None:
    """Deviation 180 of an episode, 100 of them: 18; what tracks add is no noise between seeds."""
    found = evaluation_noise(returns(1, 200, 100, (30.0, 90.0, 180.0)))
    assert found.deviation == pytest.approx(18.0, rel=0.03)
    assert found.share == pytest.approx(18.0**2 / (30.0**2 + 18.0**2), abs=0.05)


def test_noise_of_seeds_that_do_not_vary_is_unknown_or_nothing() -> None:
    assert math.isnan(evaluation_noise([[1.0, 2.0]]).deviation)
    still = evaluation_noise([[1.0, 2.0], [1.0, 2.0]])
    assert still.deviation == 0.0
    assert math.isnan(still.share)
