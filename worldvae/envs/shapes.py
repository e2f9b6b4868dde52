"""An environment of known factors, like dSprites: one shape, redrawn at random on every step."""

from __future__ import annotations

from typing import Any

import cv2
import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.envs.frames import Frame
from worldvae.envs.rendering import is_shown
from worldvae.envs.state import state_reader

FACTORS = {"shape": 3, "scale": 6, "orientation": 40, "x": 32, "y": 32}
"""The number of values of each factor, as in dSprites."""

SHAPES = ("square", "ellipse", "heart")
SIZE = 64
RADIUS = 15.0
"""Distance in pixels from the centre of the largest shape to its farthest point."""

SUPERSAMPLING = 4
FIXED_POINT_BITS = 8
# OpenCV fills every small pixel that the outline touches, which is half a small pixel too far.
COVERED = 255 * (0.5 + 0.5 / SUPERSAMPLING)


def outline(shape: int) -> NDArray[np.float64]:
    """Return the corners (P, 2) of a shape that just fits into the unit circle; y points down."""
    t = np.linspace(0, 2 * np.pi, 128, endpoint=False)
    if SHAPES[shape] == "square":
        return np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]) / 2**0.5
    if SHAPES[shape] == "ellipse":
        return np.stack([np.cos(t), 0.6 * np.sin(t)], axis=1)
    # The heart curve of Weisstein, "Heart Curve", MathWorld, equations 6 and 7.
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    heart = np.stack([16 * np.sin(t) ** 3, -y], axis=1)
    heart -= (heart.max(axis=0) + heart.min(axis=0)) / 2
    return np.asarray(heart / np.linalg.norm(heart, axis=1).max())


OUTLINES = [outline(shape) for shape in range(len(SHAPES))]


def draw(shape: int, scale: int, orientation: int, x: int, y: int) -> Frame:
    """Draw the frame of five factors, given by the indices of their values: (64, 64, 3) uint8.

    Each pixel is 0 or 255.
    """
    corners = polygon(shape, scale, orientation, x, y)
    # OpenCV's coordinates start in the middle of a pixel and are integers in 2^-bits pixels.
    fixed = np.rint((corners * SUPERSAMPLING - 0.5) * 2**FIXED_POINT_BITS).astype(np.int32)
    large = np.zeros((SIZE * SUPERSAMPLING, SIZE * SUPERSAMPLING), np.uint8)
    cv2.fillPoly(large, [fixed], 255, shift=FIXED_POINT_BITS)
    gray = cv2.resize(large, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    binary = cv2.threshold(gray, COVERED, 255, cv2.THRESH_BINARY)[1]
    return np.asarray(cv2.cvtColor(binary, cv2.COLOR_GRAY2RGB), np.uint8)


def polygon(shape: int, scale: int, orientation: int, x: int, y: int) -> NDArray[np.float64]:
    """Return the corners (P, 2) of the shape, in pixels from the top left corner of the frame."""
    angle = 2 * np.pi * orientation / FACTORS["orientation"]
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    size = RADIUS * np.interp(scale, (0, FACTORS["scale"] - 1), (0.5, 1.0))
    return np.asarray(center(x, y) + size * OUTLINES[shape] @ turn.T)


def center(x: int, y: int) -> NDArray[np.float64]:
    """Return the centre (2,) of the shape in pixels; the largest shape fits into the frame."""
    margin = RADIUS + 1
    return margin + (SIZE - 2 * margin) * np.array((x, y)) / (FACTORS["x"] - 1)


class ShapesEnv(gym.Env[Frame, Any]):
    """Shows a white shape on black, whose five factors are drawn uniformly at each step.

    The factors are independent and those of dSprites (Matthey et al., 2017,
    https://github.com/google-deepmind/dsprites-dataset): shape, scale (0.5 to 1), orientation
    (steps of 9 degrees), x and y. As in dSprites, a square looks the same after every 10 steps of
    orientation, and an ellipse after 20. The only action does nothing. Registered as
    `worldvae/Shapes-v0` with episodes of 100 steps.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.observation_space = spaces.Box(0, 255, (SIZE, SIZE, 3), np.uint8)
        self.action_space = spaces.Discrete(1)
        self.factors = np.zeros(len(FACTORS), np.int64)
        self._counts = np.array(list(FACTORS.values()))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        super().reset(seed=seed)
        return self._next(), {}

    def step(self, action: Any) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        return self._next(), 0.0, False, False, {}

    def render(self) -> Frame | None:
        shown = is_shown(self.render_mode, "make it with render_mode='rgb_array'")
        return draw(*self.factors) if shown else None

    def _next(self) -> Frame:
        self.factors = self.np_random.integers(self._counts)
        return draw(*self.factors)


@state_reader("worldvae/Shapes-")
def read_shapes(env: ShapesEnv) -> dict[str, int]:
    """Return the index of each factor's value, counted from 0."""
    return {name: int(value) for name, value in zip(FACTORS, env.factors, strict=True)}
