import time

import cv2
import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray

from worldvae.envs import EnvConfig, make_env, state_variables
from worldvae.envs.shapes import (
    FACTORS,
    OUTLINES,
    RADIUS,
    SHAPES,
    ShapesEnv,
    center,
    draw,
    polygon,
    read_shapes,
)

SQUARE, ELLIPSE, HEART = range(3)


def lit(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Middles of the white pixels as (x, y), in pixels: (K, 2)."""
    rows, columns = np.nonzero(frame[..., 0])
    return np.stack([columns, rows], axis=1) + 0.5


def test_it_passes_gymnasiums_checker() -> None:
    check_env(ShapesEnv(render_mode="rgb_array"), skip_render_check=True)


def test_factors_are_discrete_and_named() -> None:
    variables = state_variables(EnvConfig(id="worldvae/Shapes-v0"))
    assert [v.name for v in variables] == ["shape", "scale", "orientation", "x", "y"]
    assert all(v.discrete for v in variables)


@pytest.mark.parametrize("shape", range(3))
def test_every_frame_is_the_polygon_of_its_factors(shape: int) -> None:
    """Area and middle of the white pixels against the polygon's own, by Green's theorem.

    Whole pixels cannot do better than half of one where an edge lies along them.
    """
    generator = np.random.default_rng(shape)
    areas, misses = [], []
    for _ in range(400):
        factors = [shape, *(int(generator.integers(n)) for n in list(FACTORS.values())[1:])]
        frame, corners = draw(*factors), polygon(*factors)
        moments = cv2.moments(corners.astype(np.float32))
        middle = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
        assert np.unique(frame).tolist() == [0, 255]
        areas.append(len(lit(frame)) / moments["m00"])
        misses.append(lit(frame).mean(axis=0) - middle)
    assert np.mean(areas) == pytest.approx(1, abs=0.02)
    assert np.std(areas) < 0.04
    assert np.abs(misses).max() <= 0.5
    assert np.abs(np.mean(misses, axis=0)).max() < 0.03, "not drawn half a pixel aside"


def test_the_largest_shapes_stay_inside_at_every_turn_and_corner() -> None:
    for shape in range(3):
        for orientation in range(40):
            frames = [draw(shape, 5, orientation, x, y) for x in (0, 31) for y in (0, 31)]
            edges = [(f[0], f[-1], f[:, 0], f[:, -1]) for f in frames]
            assert not np.concatenate([np.concatenate(sides) for sides in edges]).any()


def test_sizes_by_hand() -> None:
    areas = [len(lit(draw(shape, 5, 0, 16, 16))) for shape in (SQUARE, ELLIPSE)]
    assert areas == pytest.approx([2 * RADIUS**2, np.pi * 0.6 * RADIUS**2], rel=0.05)
    small, large = (len(lit(draw(HEART, scale, 0, 16, 16))) for scale in (0, 5))
    assert large / small == pytest.approx(4, rel=0.1)


def test_a_heart_stands_upright_with_a_notch_above_and_a_tip_below() -> None:
    white = draw(HEART, 5, 0, 16, 16)[..., 0] > 0
    middle = round(center(16, 16)[0])
    heights = np.argmax(white, axis=0)[white.any(axis=0)]
    assert np.argmax(white[:, middle]) > heights.min() + 2, "the notch"
    widths = white.sum(axis=1)[white.any(axis=1)]
    assert np.argmax(widths) < len(widths) / 2, "widest above its middle"
    assert widths[-1] <= 3, "the tip"


def test_orientations_turn_once_around_and_symmetric_shapes_repeat() -> None:
    hearts = {draw(HEART, 5, orientation, 16, 16).tobytes() for orientation in range(40)}
    assert len(hearts) == 40
    for shape, period in ((SQUARE, 10), (ELLIPSE, 20)):
        first, again = draw(shape, 5, 3, 16, 16), draw(shape, 5, 3 + period, 16, 16)
        assert (first != again).sum() <= 3 * 3, "at most a few pixels at the edge"
    assert polygon(SQUARE, 5, 10, 16, 16)[0] == pytest.approx(polygon(SQUARE, 5, 0, 16, 16)[1])


def test_positions_are_about_a_pixel_apart_and_all_differ() -> None:
    frames = {draw(ELLIPSE, 2, 7, x, y).tobytes() for x in range(32) for y in range(32)}
    assert len(frames) == 32 * 32
    assert center(31, 0) - center(0, 0) == pytest.approx((32, 0))


@pytest.mark.parametrize("shape", range(3))
def test_outlines_just_fit_into_the_unit_circle(shape: int) -> None:
    assert np.linalg.norm(OUTLINES[shape], axis=1).max() == pytest.approx(1)
    assert SHAPES[shape] in ("square", "ellipse", "heart")


def test_factors_are_uniform_independent_and_drawn_anew() -> None:
    env = ShapesEnv()
    env.reset(seed=0)
    draws = []
    for _ in range(4_000):
        draws.append(list(read_shapes(env).values()))
        env.step(0)
    factors = np.array(draws)
    for column, count in zip(factors.T, FACTORS.values(), strict=True):
        frequencies = np.bincount(column, minlength=count)
        assert len(frequencies) == count
        expected = len(factors) / count
        # Chi-squared has count - 1 degrees of freedom: mean count - 1, variance twice that.
        chi_squared = ((frequencies - expected) ** 2 / expected).sum()
        assert abs(chi_squared - (count - 1)) < 4 * np.sqrt(2 * (count - 1))
    both = np.concatenate([factors[1:], factors[:-1]], axis=1)
    correlations = np.corrcoef(both.T) - np.eye(10)
    assert np.abs(correlations).max() < 4 / np.sqrt(len(factors))


def test_the_frame_is_that_of_the_state_shown() -> None:
    env = make_env(EnvConfig(id="worldvae/Shapes-v0", frame={"color": "gray"}))
    frame, info = env.reset(seed=3)
    for _ in range(20):
        assert (frame[..., 0] == draw(*info["state"].astype(int))[..., 0]).all()
        frame, _, _, _, info = env.step(0)


def test_an_episode_has_100_steps() -> None:
    env = gym.make("worldvae/Shapes-v0")
    env.reset(seed=0)
    ends = [env.step(0)[2:4] for _ in range(100)]
    assert ends == [(False, False)] * 99 + [(False, True)]


def test_it_is_fast() -> None:
    env = ShapesEnv()
    env.reset(seed=0)
    started = time.perf_counter()
    for _ in range(1_000):
        env.step(0)
    # 5,000 a second on an idle core; a machine busy with other tests gets a margin.
    assert 1_000 / (time.perf_counter() - started) > 1_000
