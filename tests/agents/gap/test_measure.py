"""Error, rank correlation, regret and their intervals, by hand and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.gap.measure import (
    WorldScores,
    absolute_error,
    bias,
    ceiling,
    choice_interval,
    difference_interval,
    error_of_mean,
    error_of_noise,
    indifference,
    intervals,
    regret,
    relative_regret,
    resampled_dreams,
)
from worldvae.stats import Resampling

REAL = np.array([10.0, 20.0, 30.0, 40.0])
DREAM = np.array([12.0, 50.0, 20.0, 40.0])

ALONE = np.arange(20 * 30).reshape(20, 30)
"""Each dream begins from a frame of its own."""


def played(
    real: NDArray[np.float64], dream: NDArray[np.float64], starts: NDArray[np.int64]
) -> WorldScores:
    return WorldScores("returns", real, dream, starts)


def test_by_hand() -> None:
    assert absolute_error(REAL, DREAM) == (2 + 30 + 10 + 0) / 4
    assert bias(REAL, DREAM) == (2 + 30 - 10 + 0) / 4
    assert regret(REAL, DREAM) == 20, "the dream takes the second, which gets 20 of 40"
    assert relative_regret(REAL, DREAM) == pytest.approx(20 / 30)


def test_a_dream_that_takes_all_for_equal_chooses_any() -> None:
    flat = np.full(4, 7.0)
    assert regret(REAL, flat) == 40 - REAL.mean(), "it would choose any of them"
    assert relative_regret(flat, flat) == 0


def test_intervals_hold_policies_and_episodes() -> None:
    generator = np.random.default_rng(1)
    skill = np.arange(20.0)[:, None]
    real = skill + generator.normal(size=(20, 30))
    dream = skill + 5 + generator.normal(size=(20, 30))
    found = intervals(played(real, dream, ALONE), Resampling.seeded(0, resamples=1_000))
    assert found["bias"][0] < 5 < found["bias"][1]
    assert found["bias"][1] - found["bias"][0] < 0.8
    assert found["spearman"][0] > 0.9
    assert found["regret"][0] == 0


@pytest.mark.parametrize("error", [0.0, 0.2, 1.5])
def test_the_interval_of_the_error_covers_what_so_many_episodes_show(error: float) -> None:
    """As often as it says, also for a true dream, whose noise was added twice."""
    expected, covered = np.sqrt(2 / np.pi * (error**2 + 2 / 40)), 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        skill = 2 * generator.normal(size=(30, 1))
        real = skill + generator.normal(size=(30, 40))
        dream = skill + error * generator.normal(size=(30, 1)) + generator.normal(size=(30, 40))
        starts = np.arange(30 * 40).reshape(30, 40)
        found = intervals(played(real, dream, starts), Resampling.seeded(seed, resamples=200))
        low, high = found["absolute_error"]
        covered += low <= expected <= high
    assert covered >= 50, "95 % of 60 are 57"


@pytest.mark.parametrize("frames", [2, 5, 20])
def test_all_policies_dream_from_the_same_few_frames(frames: int) -> None:
    """Dreams were taken as independent: at two frames the interval covered in one of four runs."""
    covered = 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        skill = generator.normal(size=(20, 1))
        starts = generator.integers(frames, size=(20, 30))
        real = skill + generator.normal(0, np.sqrt(2), (20, 30))
        dream = skill + generator.normal(size=frames)[starts] + generator.normal(size=(20, 30))
        low, high = intervals(played(real, dream, starts), Resampling.seeded(seed, resamples=200))[
            "bias"
        ]
        covered += low <= 0 <= high
    assert covered >= 54, "95 % of 60 are 57"


def test_the_mean_of_dreams_varies_as_that_of_their_frames_by_students_t() -> None:
    """Four frames of two dreams each: the error of their mean is s / sqrt 4, and t is 3.18."""
    frames = np.array([-3.0, -1.0, 1.0, 7.0])
    starts = np.repeat(np.arange(4), 2)[None]
    drawn = resampled_dreams(frames[starts] + [-1, 1] * 4, starts, Resampling.seeded(0))[:, 0]
    expected = frames.std(ddof=1) / 2 * 3.1824 / 1.96
    assert drawn.mean() == pytest.approx(1.0, abs=0.1)
    assert drawn.std() == pytest.approx(expected, rel=0.03)


def test_frames_that_flatter_some_and_slight_others_leave_the_error() -> None:
    """Half of the policies are promised 10 too much, half 10 too little, and all share frames."""
    frames = np.array([-3.0, -1.0, 1.0, 3.0])
    starts = np.tile(np.arange(4), (100, 1))
    real, dream = np.zeros((100, 4)), np.repeat([10.0, -10.0], 50)[:, None] + frames[starts]
    found = intervals(played(real, dream, starts), Resampling.seeded(0, resamples=1_000))
    low, high = found["absolute_error"]
    assert low < 10 < high
    assert high - low < 2, "a good frame adds to one half what it takes from the other"
    low, high = found["bias"]
    assert high - low > 6, "and moves the mean of all"


def test_dreams_of_one_frame_err_together() -> None:
    generator = np.random.default_rng(8)
    starts = generator.integers(9, size=(2_000, 40))
    frames = generator.normal(0, 3, (2_000, 9))
    dream = np.take_along_axis(frames, starts, 1) + generator.normal(size=(2_000, 40))
    real = generator.normal(size=(2_000, 40))
    err = absolute_error(real.mean(1), dream.mean(1))
    assert error_of_noise(played(real, dream, starts)) == pytest.approx(err, rel=0.1)
    assert error_of_noise(played(real, dream + 100, starts)) == pytest.approx(err, rel=0.1)
    assert error_of_noise(played(real, dream, np.zeros_like(starts))) < 0.5 * err, (
        "one frame tells nothing"
    )


def test_a_choice_is_between_these_very_policies() -> None:
    generator = np.random.default_rng(5)
    real = np.arange(20.0)[:, None] + generator.normal(size=(20, 30))
    dream = real.copy()
    dream[0] += 100
    resampling, scores = Resampling.seeded(0, resamples=1_000), played(real, dream, ALONE)
    assert intervals(scores, resampling)["relative_regret"][0] == 0, "some draws lack it"
    assert choice_interval(scores, resampling) == (1, 1), "whatever the episodes"


def test_the_error_of_a_dream_that_knows_the_mean_alone() -> None:
    assert error_of_mean(REAL) == (15 + 5 + 5 + 15) / 4
    assert error_of_mean(REAL) == absolute_error(REAL, np.full(4, 25.0))
    assert error_of_mean(np.array([0.0, 0.0, 3.0])) == (1 + 1 + 2) / 3, "not their median"


def test_noise_alone_makes_a_true_dream_err() -> None:
    generator = np.random.default_rng(6)
    skill = generator.normal(size=(2_000, 1))
    real = skill + generator.normal(0, 4, (2_000, 9))
    dream = skill + generator.normal(0, 2, (2_000, 25))
    err = absolute_error(real.mean(1), dream.mean(1))
    starts = np.arange(dream.size).reshape(dream.shape)
    assert error_of_noise(played(real, dream, starts)) == pytest.approx(err, rel=0.06)


def test_the_error_of_noise_is_the_mean_over_policies() -> None:
    """One policy never varies; the mean of the other's 0 and 2 has the variance 2 / 2."""
    real, dream = np.array([[1.0, 1.0], [0.0, 2.0]]), np.ones((2, 2))
    found = error_of_noise(played(real, dream, np.arange(4).reshape(2, 2)))
    assert found == pytest.approx(np.sqrt(2 / np.pi) * (0 + 1) / 2)


def test_the_interval_of_one_policy_is_that_of_a_difference_of_means() -> None:
    generator = np.random.default_rng(2)
    real, dream = generator.normal(0, 3, 100), generator.normal(2, 4, 200)
    low, high = difference_interval(
        played(real[None], dream[None], np.arange(200)[None]), Resampling.seeded(0, resamples=4_000)
    )
    middle = dream.mean() - real.mean()
    half = 1.96 * np.sqrt(9 / 100 + 16 / 200)
    assert (low, high) == pytest.approx((middle - half, middle + half), abs=0.15)


def test_reality_may_tell_no_policy_apart() -> None:
    generator = np.random.default_rng(3)
    assert indifference(np.full((5, 4), 2.0)) == 1
    assert indifference(generator.normal(size=(1, 9))) == 1
    assert indifference(generator.normal(size=(20, 10))) > 0.05
    assert indifference(generator.normal(size=(20, 10)) + np.arange(20)[:, None]) < 1e-6


def test_reality_ranks_itself_as_its_noise_lets_it() -> None:
    generator = np.random.default_rng(4)
    clear = np.arange(10.0)[:, None] + np.zeros((10, 8))
    assert ceiling(clear, generator) == pytest.approx(1)
    noise = generator.normal(size=(10, 8))
    # Halves of the same noise are anticorrelated: what one half has, the other has not.
    assert ceiling(noise, generator) < 0.3
    assert ceiling(np.zeros((10, 1)), generator) == 0
    twice = np.tile(generator.normal(size=(10, 4)), 2)
    assert ceiling(twice, generator) < 0.8, "halves are drawn, and not the first and the last"
