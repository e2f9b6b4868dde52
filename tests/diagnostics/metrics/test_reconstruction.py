"""Errors, codes and overfitting against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.diagnostics.synthetic import reconstructions
from worldvae.diagnostics.metrics.reconstruction import (
    measure_code,
    measure_overfitting,
    measure_reconstruction,
)

# Two frames of two pixels, 0 and 1: the mean image is grey, each pixel deviates by 1/2.
CONTRARY = np.array([[[[0], [255]]], [[[255], [0]]]], np.uint8)


def test_lost_is_the_error_in_units_of_the_deviation_from_the_mean_image() -> None:
    error = np.array([[[0.25, 0.0]], [[0.125, 0.0]]], np.float32)
    moved = np.array([[[True, False]], [[False, False]]])
    part = reconstructions(CONTRARY, error=error, moved=moved)
    train = measure_reconstruction(part, part).train
    assert train.mse == pytest.approx(0.375 / 4)
    assert train.lost == pytest.approx(0.375 / (4 * 0.25))
    assert train.psnr == pytest.approx(-10 * np.log10(0.375 / 4))
    assert train.moving is not None
    assert train.static is not None
    assert (train.moving.share, train.moving.mse, train.moving.lost) == (0.25, 0.25, 1.0)
    assert train.static.lost == pytest.approx(0.125 / (3 * 0.25))


def test_the_mean_image_is_that_of_training() -> None:
    """Held-out frames are all white, training frames all black: black scores 1."""
    train = reconstructions(np.zeros((2, 1, 2, 1), np.uint8))
    white = np.full((3, 1, 2, 1), 255, np.uint8)
    held_out = reconstructions(white, error=np.ones((3, 1, 2), np.float32))
    errors = measure_reconstruction(train, held_out)
    assert errors.held_out.lost == 1.0
    assert errors.train.lost is None, "nothing deviates"
    assert errors.train.moving is None, "nothing moves"
    assert errors.train.psnr == 100.0


def test_a_place_counts_whatever_is_large_elsewhere() -> None:
    """Eight places in a row: a large thing moves in the first and is kept, a faint one is lost.

    In the sixth something moves in too few frames to be judged, in the others nothing does. What
    stands still beside the faint thing, large and lost too, is not of its place.
    """
    frames = np.zeros((40, 1, 16, 1), np.uint8)
    moved, error = np.zeros((2, 40, 1, 16), np.float32)
    frames[::2, 0, 0:2], frames[::2, 0, 15], frames[:1, 0, 10] = 250, 50, 250
    moved[:, 0, 0:2] = moved[:, 0, 15] = moved[:19, 0, 10] = 1
    error[:, 0, 15] = (25 / 255) ** 2  # the mean image in its place
    frames[::2, 0, 14], error[:, 0, 14] = 250, 0.5
    part = reconstructions(frames, error=error, moved=moved.astype(bool))
    train = measure_reconstruction(part, part).train
    assert train.moving is not None
    assert train.moving.lost is not None
    assert train.moving.lost < 0.1
    assert train.places is not None
    (row,) = train.places.lost
    assert row == (0, None, None, None, None, None, None, pytest.approx(1.0, abs=1e-5))
    assert train.places.known == (row[0], row[-1])


def test_where_nothing_moves_no_place_is_judged() -> None:
    part = reconstructions(CONTRARY)
    assert measure_reconstruction(part, part).train.places is None


def test_rate_and_distortion_are_means_over_frames() -> None:
    kl = np.array([[1.0, 2.0], [3.0, 0.0]], np.float32)
    part = reconstructions(CONTRARY, kl=kl, distortion=np.array([10.0, 30.0], np.float32))
    errors = measure_reconstruction(part, part).held_out
    assert (errors.rate, errors.distortion) == (3.0, 20.0)


def normal(*scale: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    draws = np.random.default_rng(0).normal(size=(4_000, len(scale)))
    return (draws * scale).astype(np.float32)


def test_a_latent_is_active_from_a_hundredth_of_the_priors_variance_on() -> None:
    codes = normal(1.0, 0.11, 0.09, 0.0)
    code = measure_code(codes, np.ones((5, 4), np.float32), is_point=False)
    assert (code.active, code.dead) == (2, (2, 3))
    assert code.rate == 4.0
    assert code.kl == (1.0, 1.0, 1.0, 1.0)


def test_of_a_point_code_the_largest_latent_sets_the_scale() -> None:
    codes = normal(100.0, 11.0, 9.0)
    code = measure_code(codes, np.zeros((5, 3), np.float32), is_point=True)
    assert (code.active, code.dead) == (2, (2,))
    constant = measure_code(np.zeros((9, 3), np.float32), np.zeros((5, 3), np.float32), True)
    assert constant.active == 0


def test_duplicates_are_active_latents_that_say_the_same() -> None:
    codes = normal(1.0, 1.0, 0.01)
    copies = np.column_stack([codes, -2 * codes[:, 0], codes[:, 2]])
    code = measure_code(copies, np.zeros((5, 5), np.float32), is_point=False)
    (pair,) = code.duplicates
    assert (pair.first, pair.second) == (0, 3)
    assert pair.correlation == pytest.approx(-1.0)


def episodes(*errors: float, frames: int = 3) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.repeat(np.array(errors, np.float32), frames)[:, None, None] * np.ones((1, 1, 2))


def test_overfitting_is_a_ratio_of_episodes_with_an_interval() -> None:
    train, held_out = episodes(1.0, 3.0), episodes(4.0, 4.0)
    parts = [
        reconstructions(
            np.zeros((6, 1, 2, 1), np.uint8), error=error, episodes=np.repeat([5, 9], 3)
        )
        for error in (train, held_out)
    ]
    found = measure_overfitting(parts[0], parts[1], np.random.default_rng(0))
    assert found.ratio == pytest.approx(2.0)
    # Training episodes are resampled to a mean of 1, 2 or 3.
    assert (found.low, found.high) == pytest.approx((4 / 3, 4.0))


def test_one_episode_has_no_interval() -> None:
    part = reconstructions(np.zeros((3, 1, 2, 1), np.uint8), error=episodes(1.0))
    found = measure_overfitting(part, part, np.random.default_rng(0))
    assert (found.ratio, found.low, found.high) == (1.0, None, None)
