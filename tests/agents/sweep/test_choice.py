"""The recommendation on curves whose answer is plain."""

import pytest

from agents.sweep.choice import MARGIN, recommend
from tests.agents.sweep.synthetic import GRID, curve, point

LOST = (0.0, 0.05, 0.09, 0.3, 1.0)


def test_of_a_trade_off_the_largest_beta_that_keeps_nine_tenths() -> None:
    """Of the moving pixels the betas keep 1, 0.95, 0.91, 0.7 and 0."""
    choice = recommend(curve(lost_moving=LOST))
    assert choice.setting is not None
    assert (choice.setting.beta, choice.judged_by) == (1.0, "the moving pixels")
    assert [one.loses for one in choice.judged] == [False, False, False, True, True]
    assert "the next, 10, keeps 70 %" in choice.reason
    assert "no beta tried overfits" in choice.reason


def test_probes_are_asked_before_pixels_and_count_above_their_floor() -> None:
    """0.72 of 0.8 would be nine tenths; above the floor of 0.5 it is 0.22 of 0.3."""
    probes = (0.8, 0.8, 0.72, 0.6, 0.5)
    choice = recommend(curve(lost_moving=LOST, probes=probes, floor=(0.5,) * 5))
    assert choice.setting is not None
    assert (choice.setting.beta, choice.judged_by) == (0.1, "the true state")
    assert [one.kept for one in choice.judged] == pytest.approx([1, 1, 0.22 / 0.3, 1 / 3, 0])


def test_a_floor_below_zero_is_no_merit() -> None:
    choice = recommend(curve(probes=(0.4, 0.4, 0.4, 0.2, -0.5), floor=(-0.5,) * 5))
    assert [one.kept for one in choice.judged] == pytest.approx([1, 1, 1, 0.5, 0])


def test_probes_that_tell_nothing_or_are_missing_leave_it_to_the_pixels() -> None:
    nothing = recommend(curve(lost_moving=LOST, probes=(0.05,) * 5, floor=(0.0,) * 5))
    some = recommend(curve(lost_moving=LOST, probes=(0.9, None, 0.9, 0.9, 0.9), floor=(0.0,) * 5))
    assert nothing.judged_by == some.judged_by == "the moving pixels"
    still = recommend(curve(lost_moving=(None,) * 5, lost=LOST))
    assert still.judged_by == "the pixels"
    assert still.setting is not None
    assert still.setting.beta == 1.0


def test_what_a_small_beta_tells_less_is_not_lost_to_beta() -> None:
    choice = recommend(curve(probes=(0.4, 0.6, 0.9, 0.9, 0.1), floor=(0.0,) * 5))
    assert choice.setting is not None
    assert choice.setting.beta == 10.0
    assert [one.loses for one in choice.judged] == [False, False, False, False, True]


def test_a_beta_that_keeps_details_by_luck_beyond_one_that_does_not_is_no_answer() -> None:
    choice = recommend(curve(lost_moving=(0.0, 0.0, 0.3, 0.05, 1.0)))
    assert choice.setting is not None
    assert choice.setting.beta == 0.1


def test_overfitting_is_large_enough_to_matter_and_no_luck_of_the_split() -> None:
    ratio = (3.0, 1 + MARGIN + 0.01, 1 + MARGIN - 0.01, 1.5, 9.0)
    choice = recommend(curve(overfitting=ratio, overfitting_low=(2.0, 1.01, 1.05, 0.99, None)))
    assert [one.overfits for one in choice.judged] == [True, True, False, False, False]
    assert "codes overfit up to beta 0.1, where held-out error is 1.11 times" in choice.reason


def test_overfitting_of_the_chosen_beta_is_said() -> None:
    choice = recommend(curve(lost_moving=LOST, overfitting_low=(2.0,) * 5, overfitting=(2.5,) * 5))
    assert choice.setting is not None
    assert choice.setting.beta == 1.0
    assert "even so it overfits (held-out error is 2.50 times" in choice.reason


def test_without_episodes_to_compare_overfitting_is_left_open() -> None:
    choice = recommend(curve(overfitting_low=(None,) * 5, overfitting=(9.0,) * 5))
    assert "overfitting cannot be judged" in choice.reason


@pytest.mark.parametrize(
    "columns",
    [
        {"active": (0,) * 5, "lost_moving": (0.1,) * 5},
        {"lost_moving": (0.99,) * 5, "lost": (1.0,) * 5},
    ],
)
def test_of_collapsed_codes_none_is_recommended(columns: dict[str, tuple[float, ...]]) -> None:
    choice = recommend(curve(**columns))
    assert choice.setting is None
    assert "no code tells anything" in choice.reason


def test_one_trial_is_recommended_with_what_is_not_known() -> None:
    choice = recommend([point(0.5)])
    assert choice.setting is not None
    assert choice.setting.beta == 0.5
    assert "the largest tried" in choice.reason


def test_of_latent_sizes_the_smallest_that_keeps_details_without_overfitting() -> None:
    small = [point(beta, latents=2, lost_moving=0.5) for beta in GRID]
    middle = [point(beta, latents=4, lost_moving=0.05) for beta in GRID]
    large = [point(beta, latents=8) for beta in GRID]
    choice = recommend([*large, *small, *middle])
    assert choice.setting is not None
    assert choice.setting.latents == 4
    assert "with 4 latents" in choice.reason
    guilty = {"overfitting": 2.5, "overfitting_low": 2.0}
    overfitted = [one.model_copy(update=guilty) for one in middle]
    choice = recommend([*small, *overfitted, *large])
    assert choice.setting is not None
    assert choice.setting.latents == 8


def test_the_order_of_the_points_does_not_matter() -> None:
    points = curve(lost_moving=LOST)
    assert recommend(points[::-1]) == recommend(points)
