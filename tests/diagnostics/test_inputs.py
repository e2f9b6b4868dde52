"""Hashes and small pictures, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from worldvae.diagnostics.inputs import downsampled_pixels, frame_hashes


def test_hashes_tell_frames_apart() -> None:
    frames = np.random.default_rng(0).integers(256, size=(4, 5, 6, 3), dtype=np.uint8)
    frames[2] = frames[0]
    frames[3] = frames[1]
    frames[3, 4, 5, 2] ^= 1
    first, second, third, fourth = frame_hashes(frames)
    assert first == third
    assert len({first, second, fourth}) == 3
    assert frame_hashes(frames[:, ::-1])[0] == frame_hashes(frames[:, ::-1].copy())[0]


def test_downsampled_pixels_are_means_of_areas() -> None:
    frames = np.zeros((1, 4, 4, 1), np.uint8)
    frames[0, :2, 2:] = [[[0], [255]], [[255], [255]]]
    np.testing.assert_allclose(downsampled_pixels(frames, size=4), [[0.0, 0.75, 0.0, 0.0]])


@pytest.mark.parametrize(
    ("shape", "width"),
    [((64, 64, 1), 256), ((84, 84, 3), 243), ((210, 160, 1), 18 * 14), ((8, 8, 3), 192)],
)
def test_downsampled_pixels_keep_the_aspect(shape: tuple[int, ...], width: int) -> None:
    """16 x 16 x 1, 9 x 9 x 3, 18 x 14 x 1; small frames stay whole."""
    assert downsampled_pixels(np.zeros((2, *shape), np.uint8)).shape == (2, width)


def test_small_frames_are_their_own_pixels() -> None:
    frames = np.random.default_rng(0).integers(256, size=(700, 2, 3, 1), dtype=np.uint8)
    np.testing.assert_allclose(downsampled_pixels(frames), frames.reshape(700, 6) / 255, rtol=1e-6)
