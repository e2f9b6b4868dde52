"""Faster drawing of Gymnasium's CarRacing: only frames that are observed, only visible polygons.

Drawing a frame takes 99 % of a step, most of it to find out for each polygon of grass and road that
it is outside of the frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from worldvae.envs.wrappers import ActionRepeat, Step

STATE_PIXELS = "state_pixels"
"""CarRacing's name for the mode in which it draws the frames that it observes."""


Point = tuple[float, float]
Array = NDArray[np.float64]

WINDOW: Point = (1000.0, 800.0)
"""Width and height in pixels of the picture that CarRacing draws, before it is scaled down."""
PIXEL = 2.0
"""An upper bound of how far the drawn edge of a polygon may reach outside of it, in pixels."""

PLAYFIELD = 2000 / 6
FIELD: tuple[Point, ...] = (
    (PLAYFIELD, PLAYFIELD),
    (PLAYFIELD, -PLAYFIELD),
    (-PLAYFIELD, -PLAYFIELD),
    (-PLAYFIELD, PLAYFIELD),
)
GRASS_SIDE = PLAYFIELD / 20
GRASS: tuple[tuple[Point, ...], ...] = tuple(
    (
        (GRASS_SIDE * x + GRASS_SIDE, GRASS_SIDE * y + 0),
        (GRASS_SIDE * x + 0, GRASS_SIDE * y + 0),
        (GRASS_SIDE * x + 0, GRASS_SIDE * y + GRASS_SIDE),
        (GRASS_SIDE * x + GRASS_SIDE, GRASS_SIDE * y + GRASS_SIDE),
    )
    for x in range(-20, 20, 2)
    for y in range(-20, 20, 2)
)
"""The corners of each darker patch of grass."""


class LazyDrawing(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Lets CarRacing, which draws a frame on every step, draw only the frames that are needed.

    Physics, rewards and the frames that are drawn stay the same.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self._car = cast(Any, env.unwrapped)
        self._black = np.zeros(env.observation_space.shape or (), np.uint8)
        self._score_to_draw = 0.0
        self._grass = np.array(GRASS)
        self._road: tuple[Any, Array] = (None, np.empty((0, 4, 2)))
        self._car._render_road = self._draw_ground

    @contextmanager
    def without_drawing(self) -> Iterator[None]:
        """Draw nothing in steps inside the block, which observe black frames."""
        self._car._render = self._skip
        try:
            yield
        finally:
            del self._car._render  # restores the method of its class

    def draw(self) -> Any:
        """Return the frame (H, W, C) uint8 that the last step did not draw."""
        # CarRacing draws the score before it subtracts the 0.1 points that a step costs.
        score, self._car.reward = self._car.reward, self._score_to_draw
        self._car.state = self._car._render(STATE_PIXELS)
        self._car.reward = score
        return self._car.state

    def _draw_ground(self, zoom: float, translation: Point, angle: float) -> None:
        """Draw the visible polygons of field, grass and road, in the order of `_render_road`."""
        car, view = self._car, (zoom, translation, angle)
        car._draw_colored_polygon(car.surf, FIELD, car.bg_color, *view, clip=False)
        for index in visible(self._grass, *view):
            car._draw_colored_polygon(car.surf, GRASS[index], car.grass_color, *view)
        for index in visible(self._road_corners(), *view):
            polygon, color = car.road_poly[index]
            points = [(point[0], point[1]) for point in polygon]
            car._draw_colored_polygon(car.surf, points, [int(c) for c in color], *view)

    def _road_corners(self) -> Array:
        """Return the corners of the road's polygons (N, 4, 2), computed once for each track.

        A new track has a new list of polygons.
        """
        polygons = self._car.road_poly
        if self._road[0] is not polygons:
            self._road = polygons, np.array([polygon for polygon, _ in polygons], float)
        return self._road[1]

    def _skip(self, mode: str) -> Any:
        self._score_to_draw = self._car.reward
        return self._black.copy()


def visible(polygons: Array, zoom: float, translation: Point, angle: float) -> NDArray[np.intp]:
    """Return the indices, in order, of the polygons whose bounding box overlaps the window.

    `polygons` is (N, corners, 2).
    """
    cos, sin = np.cos(angle), np.sin(angle)
    turned = polygons @ np.array([[cos, sin], [-sin, cos]])
    corners = turned * zoom + np.asarray(translation)
    overlaps = (corners.max(axis=1) >= -PIXEL) & (corners.min(axis=1) <= np.array(WINDOW) + PIXEL)
    return np.flatnonzero(overlaps.all(axis=1))


class LazyActionRepeat(ActionRepeat):
    """An `ActionRepeat` that draws only the last frame of a decision, the only one observed.

    Args:
        env: An environment with a `LazyDrawing` among its wrappers.
        repeat: How often an action is repeated.
    """

    def __init__(self, env: gym.Env[Any, Any], repeat: int) -> None:
        super().__init__(env, repeat)
        self._drawing = _drawing_of(env)

    def step(self, action: Any) -> Step:
        total = 0.0
        with self._drawing.without_drawing():
            for _ in range(self.repeat - 1):
                _, reward, terminated, truncated, info = self.env.step(action)
                total += float(reward)
                if terminated or truncated:
                    break
        if terminated or truncated:
            return self._drawing.draw(), total, terminated, truncated, info
        obs, reward, terminated, truncated, info = self.env.step(action)
        return obs, total + float(reward), terminated, truncated, info


def _drawing_of(env: gym.Env[Any, Any]) -> LazyDrawing:
    """Return the `LazyDrawing` among the wrappers of `env`."""
    while not isinstance(env, LazyDrawing):
        assert isinstance(env, gym.Wrapper), "no LazyDrawing among the wrappers"
        env = env.env
    return env


class NoDrawing(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """CarRacing without any drawing, for agents that observe no frames."""

    def __init__(self, env: LazyDrawing) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self._drawing = env

    def step(self, action: Any) -> Step:
        with self._drawing.without_drawing():
            return self.env.step(action)
