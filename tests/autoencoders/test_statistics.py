"""Pixel statistics against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.autoencoders.tiny import Frames
from worldvae.autoencoders.statistics import LEAST_STD, PixelStatistics, measure_pixels
from worldvae.autoencoders.window import Window
from worldvae.indices import evenly

COUNT = 300  # more than one batch


def windows(frames: int) -> NDArray[np.uint8]:
    """(COUNT, 4, 5, 3 frames): noise, but for a black and a barely changing pixel."""
    noise = np.random.default_rng(0).integers(0, 256, (COUNT, 4, 5, 3 * frames)).astype(np.uint8)
    noise[:, 0, 0] = 0
    noise[:, 0, 1] = 200 + np.arange(COUNT)[:, None] % 2
    return noise


@pytest.mark.parametrize("limit", [100, COUNT, 20_000])
@pytest.mark.parametrize("window", [Window(), Window(stack=2, ahead=1)])
def test_mean_and_deviation_are_numpys_over_the_targets(window: Window, limit: int) -> None:
    source = Frames(windows(window.length))
    measured = measure_pixels(source, window, limit)
    chosen = source.frames[evenly(COUNT, limit)][..., -3:] / 255
    mean, std = (value.transpose(2, 0, 1) for value in (chosen.mean(0), chosen.std(0)))
    np.testing.assert_allclose(measured.mean, mean, atol=1e-6)
    np.testing.assert_allclose(measured.std, np.maximum(std, LEAST_STD), atol=1e-6)
    assert measured.mean.dtype == measured.std.dtype == torch.float32
    assert measured.frames == COUNT


def test_pixels_that_hardly_change_have_the_floor_as_their_unit() -> None:
    """Black has deviation 0, every other frame one level brighter has half a level."""
    measured = measure_pixels(Frames(windows(1)), Window())
    assert (measured.std[:, 0, :2] == LEAST_STD).all()
    assert (measured.std[:, 1:] > 0.25).all()
    assert (measured.mean[:, 0, 0] == 0).all()
    torch.testing.assert_close(measured.mean[:, 0, 1], torch.full((3,), 200.5 / 255))


def test_neutral_units_leave_pixels_what_they_are() -> None:
    neutral = PixelStatistics.neutral((4, 5, 3))
    assert torch.equal(neutral.mean, torch.zeros(3, 4, 5))
    assert torch.equal(neutral.std, torch.ones(3, 4, 5))
