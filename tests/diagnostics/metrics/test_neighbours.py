"""Nearest training frames of codes whose relation to the frames is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.diagnostics.synthetic import reconstructions
from worldvae.diagnostics.metrics.neighbours import (
    frame_distances,
    masked_distances,
    measure_neighbours,
    squared_distances,
)

draws = np.random.default_rng(0)


def stripes(place: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A bar that grows with `place` in [0, 1]: (B,) -> (B, 4, 16, 1)."""
    lit = np.arange(16) < 16 * place[:, None]
    return np.broadcast_to(255 * lit[:, None, :, None], (len(place), 4, 16, 1)).astype(np.uint8)


PLACE = draws.random(300)
MOVED = np.broadcast_to(np.arange(16) > 8, (300, 4, 16))


def neighbours(codes: np.ndarray[Any, Any], **given: Any) -> Any:
    frames = stripes(PLACE)
    train = reconstructions(frames[:200], state=PLACE[:200, None])
    held_out = reconstructions(
        frames[200:], **{"state": PLACE[200:, None], "moved": MOVED[200:], **given}
    )
    codes = codes.astype(np.float32)
    return measure_neighbours(train, held_out, (codes[:200], codes[200:]))


def test_distances_agree_with_the_definition() -> None:
    a, b = (draws.normal(size=(n, 7)).astype(np.float32) for n in (3, 5))
    mask = (draws.random((3, 7)) < 0.5).astype(np.float32)
    squares = np.square(a[:, None] - b[None])
    np.testing.assert_allclose(squared_distances(a, b), squares.sum(2), rtol=1e-4)
    expected = (squares * mask[:, None]).sum(2)
    np.testing.assert_allclose(masked_distances(a, b, mask), expected, rtol=1e-4, atol=1e-5)


def test_distances_of_frames_count_the_masked_pixels_of_every_channel() -> None:
    """More candidates than are taken at once."""
    a = draws.integers(0, 256, (2, 3, 3, 3), np.uint8)
    b = draws.integers(0, 256, (300, 3, 3, 3), np.uint8)
    mask = draws.random((2, 3, 3)) < 0.5
    squares = np.square((a[:, None] / 255 - b[None] / 255) * mask[:, None, :, :, None])
    found = frame_distances(a, b, mask)
    np.testing.assert_allclose(found, squares.sum((2, 3, 4)), rtol=1e-4, atol=1e-5)


def test_codes_that_are_the_state_find_the_nearest_there_is() -> None:
    found = neighbours(PLACE[:, None])
    assert found.state.latents == pytest.approx(1.0)
    assert found.pixels.latents == pytest.approx(1.0, abs=0.05)
    assert found.moving.latents == pytest.approx(1.0, abs=0.1)
    assert (found.queries, found.candidates) == (100, 200)


def test_codes_that_are_noise_find_random_frames() -> None:
    found = neighbours(draws.normal(size=(300, 3)))
    for closeness in (found.pixels, found.moving, found.state):
        assert abs(closeness.latents) < 0.2
    assert found.pixels.pixels == 1.0


def test_what_moves_is_compared_alone_and_where_something_does() -> None:
    """Codes know the bar in the first row, which moves in every second query; the rest is noise.

    The bar alone is then as near as it can be.
    """
    frames = draws.integers(0, 256, (300, 4, 16, 1), np.uint8)
    frames[:, 0] = stripes(PLACE)[:, 0]
    moved = np.zeros((300, 4, 16), bool)
    moved[1::2, 0] = True
    parts = (slice(200), slice(200, None))
    train, held_out = (reconstructions(frames[part], moved=moved[part]) for part in parts)
    codes = PLACE[:, None].astype(np.float32)
    found = measure_neighbours(train, held_out, (codes[:200], codes[200:]))
    assert found.pixels is not None
    assert found.moving is not None
    assert found.moving.latents == pytest.approx(1.0, abs=0.1)
    assert found.pixels.latents < 0.8


def test_closeness_by_hand_is_of_distances_and_in_any_unit() -> None:
    """From 0 to 0, 1 and 4: 5 / 3 at random, 0 at best; the codes take the second, at 1."""
    frames, place = stripes(np.array([0.0, 0.3, 0.9])), np.array([[0.0], [1.0], [4.0]])
    codes = np.array([[5.0], [6.0], [9.0]], np.float32)
    for unit in (1.0, 1000.0):
        state = np.hstack([place, unit * place])
        train = reconstructions(frames, state=state)
        held_out = reconstructions(frames[:1], state=state[:1])
        found = measure_neighbours(train, held_out, (codes, codes[1:2]))
        assert found.state is not None
        assert found.state.latents == pytest.approx((5 / 3 - 1) / (5 / 3), abs=1e-3)


def test_variables_of_the_state_count_alike_whatever_their_units() -> None:
    other = draws.random(300)
    both = [
        neighbours_in(np.stack([PLACE, unit * other], 1)).state.latents for unit in (1.0, 1000.0)
    ]
    assert both[0] == pytest.approx(both[1], abs=1e-3)
    assert both[0] > 0.2, "the codes know one of two"


def neighbours_in(state: np.ndarray[Any, Any]) -> Any:
    """Of codes that are PLACE, in this state."""
    frames, codes = stripes(PLACE), PLACE[:, None].astype(np.float32)
    train = reconstructions(frames[:200], state=state[:200])
    held_out = reconstructions(frames[200:], state=state[200:])
    return measure_neighbours(train, held_out, (codes[:200], codes[200:]))


def test_without_motion_or_state_there_is_nothing_to_compare() -> None:
    found = neighbours(PLACE[:, None], moved=np.zeros_like(MOVED[200:]))
    assert found.moving is None
    found = neighbours(PLACE[:, None], state=np.full((100, 1), np.nan))
    assert found.state is None


def test_frames_without_a_known_state_are_left_out() -> None:
    state = PLACE[200:, None].copy()
    state[::2] = np.nan
    assert neighbours(PLACE[:, None], state=state).state.latents == pytest.approx(1.0)
