"""CarRacing without what nobody sees: drawing a frame takes 99 % of a step, and most of that goes
into deciding, polygon by polygon, that grass and road lie outside of it.
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
"""What CarRacing calls the frames that it observes."""


Point = tuple[float, float]
Array = NDArray[np.float64]

WINDOW: Point = (1000.0, 800.0)
"""What CarRacing draws on, in pixels, before it makes it small."""
PIXEL = 2.0
"""How far outside a polygon its drawn edge may reach, generously."""

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
"""The darker patches of the field."""


class SeldomDrawn(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Gymnasium's CarRacing, which draws a frame on every step, made to draw only when asked to.

    Physics and rewards are untouched, and what is drawn is what it would have drawn.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self._car = cast(Any, env.unwrapped)
        self._nothing = np.zeros(env.observation_space.shape or (), np.uint8)
        self._score_shown = 0.0
        self._grass = np.array(GRASS)
        self._road: tuple[Any, Array] = (None, np.empty((0, 4, 2)))
        self._car._render_road = self._draw_ground

    @contextmanager
    def undrawn(self) -> Iterator[None]:
        """Steps in the block observe black frames."""
        self._car._render = self._leave_out
        try:
            yield
        finally:
            del self._car._render  # the method of its class again

    def drawn(self) -> Any:
        """The frame (H, W, C) that the last step has left out."""
        # It is drawn before the step costs its tenth of a point, and shows the score.
        score, self._car.reward = self._car.reward, self._score_shown
        self._car.state = self._car._render(STATE_PIXELS)
        self._car.reward = score
        return self._car.state

    def _draw_ground(self, zoom: float, translation: Point, angle: float) -> None:
        """As CarRacing's `_render_road`, in the same order, less what lies out of sight."""
        car, view = self._car, (zoom, translation, angle)
        car._draw_colored_polygon(car.surf, FIELD, car.bg_color, *view, clip=False)
        for index in in_sight(self._grass, *view):
            car._draw_colored_polygon(car.surf, GRASS[index], car.grass_color, *view)
        for index in in_sight(self._road_corners(), *view):
            polygon, color = car.road_poly[index]
            points = [(point[0], point[1]) for point in polygon]
            car._draw_colored_polygon(car.surf, points, [int(c) for c in color], *view)

    def _road_corners(self) -> Array:
        """(N, 4, 2), made once for each track: a reset puts a new list in the old one's place."""
        polygons = self._car.road_poly
        if self._road[0] is not polygons:
            self._road = polygons, np.array([polygon for polygon, _ in polygons], float)
        return self._road[1]

    def _leave_out(self, mode: str) -> Any:
        self._score_shown = self._car.reward
        return self._nothing.copy()


def in_sight(polygons: Array, zoom: float, translation: Point, angle: float) -> NDArray[np.intp]:
    """Which of (N, corners, 2) polygons have a bounding box that meets the window, in order."""
    cos, sin = np.cos(angle), np.sin(angle)
    turned = polygons @ np.array([[cos, sin], [-sin, cos]])
    corners = turned * zoom + np.asarray(translation)
    meets = (corners.max(axis=1) >= -PIXEL) & (corners.min(axis=1) <= np.array(WINDOW) + PIXEL)
    return np.flatnonzero(meets.all(axis=1))


class LazyActionRepeat(ActionRepeat):
    """`ActionRepeat` that draws the last frame alone; the others are never shown."""

    def __init__(self, env: gym.Env[Any, Any], repeat: int, car: SeldomDrawn) -> None:
        super().__init__(env, repeat)
        self._seldom_drawn = car

    def step(self, action: Any) -> Step:
        total = 0.0
        with self._seldom_drawn.undrawn():
            for _ in range(self.repeat - 1):
                _, reward, terminated, truncated, info = self.env.step(action)
                total += float(reward)
                if terminated or truncated:
                    break
        if terminated or truncated:
            return self._seldom_drawn.drawn(), total, terminated, truncated, info
        obs, reward, terminated, truncated, info = self.env.step(action)
        return obs, total + float(reward), terminated, truncated, info


class NeverDrawn(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """CarRacing for those who see no frame at all."""

    def __init__(self, env: SeldomDrawn) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self._seldom_drawn = env

    def step(self, action: Any) -> Step:
        with self._seldom_drawn.undrawn():
            return self.env.step(action)
