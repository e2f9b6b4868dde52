"""Tiny environments of known state: an agent moves a dot on a black or a textured background."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from worldvae.envs.frames import Frame
from worldvae.envs.rendering import is_shown
from worldvae.envs.state import state_reader

AGENT_COLOR = (255, 255, 255)
GOAL_COLOR = (255, 64, 64)
MOVES = np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)], np.float32)

TEXTURE_SEED = 0
WARM, COLD = np.array((255.0, 160.0, 60.0)), np.array((60.0, 160.0, 255.0))
BRIGHTNESS = (0.1, 0.8)
DRIFT = 0.05


class DotsEnv(gym.Env[Frame, Any]):
    """Shows two dots in frames (size, size, 3) uint8; the agent moves the white one to the red one.

    Actions are five moves (stay, left, right, up, down) of length `speed`, or with `continuous` a
    velocity in [-1, 1]^2 times `speed`. The reward is the decrease of the distance, plus 1 on
    arrival, which terminates the episode. Registered as `worldvae/Dots-v0` with at most 60 steps.

    Args:
        size: Height and width of the frame, pixels.
        dot: Side of each dot, or its (width, height), pixels.
        speed: Length of one move, as a share of the frame.
        continuous: Whether actions are a Box in place of the five moves.
        goal: Whether there is a red dot; without it rewards are 0 and episodes never terminate.
        render_mode: None or "rgb_array".
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012

    def __init__(
        self,
        size: int = 40,
        dot: int | tuple[int, int] = 5,
        speed: float = 0.08,
        continuous: bool = False,
        goal: bool = True,
        render_mode: str | None = None,
    ) -> None:
        self.size, self.speed, self.has_goal = size, speed, goal
        self.dot = (dot, dot) if isinstance(dot, int) else tuple(dot)
        self.render_mode = render_mode
        self.observation_space = spaces.Box(0, 255, (size, size, 3), np.uint8)
        self.action_space = (
            spaces.Box(-1, 1, (2,), np.float32) if continuous else spaces.Discrete(5)
        )
        self.agent, self.goal = np.zeros((2, 2), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        super().reset(seed=seed)
        self.agent, self.goal = self.np_random.random(4, np.float32).reshape(2, 2)
        return self._frame(), {}

    def step(self, action: Any) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        before = self._distance()
        velocity = MOVES[action] if isinstance(self.action_space, spaces.Discrete) else action
        self.agent = np.clip(self.agent + self.speed * np.clip(velocity, -1, 1), 0, 1)
        after = self._distance()
        arrived = self.has_goal and after < 0.1
        reward = before - after + float(arrived) if self.has_goal else 0.0
        return self._frame(), reward, arrived, False, {}

    def render(self) -> Frame | None:
        shown = is_shown(self.render_mode, "make it with render_mode='rgb_array'")
        return self._frame() if shown else None

    def get_action_meanings(self) -> list[str]:
        """Return the names of the five moves, as environments of Atari do."""
        return ["STAY", "LEFT", "RIGHT", "UP", "DOWN"]

    def _distance(self) -> float:
        return float(np.linalg.norm(self.agent - self.goal))

    def _frame(self) -> Frame:
        frame = self._background()
        dots = [(self.goal, GOAL_COLOR)] if self.has_goal else []
        width, height = self.dot
        room = np.array((self.size - width, self.size - height), np.float32)
        for position, color in (*dots, (self.agent, AGENT_COLOR)):
            left, top = np.rint(position * room).astype(int)
            frame[top : top + height, left : left + width] = color
        return frame

    def _background(self) -> Frame:
        return np.zeros((self.size, self.size, 3), np.uint8)


class BusyDotsEnv(DotsEnv):
    """Shows one white dot of 2 pixels before a texture of changing light, a trap for a pixel loss.

    The texture is fixed, and half of its pixels are black. Its brightness and its tint change in a
    random walk and cause over 95 % of the variance of the pixels. The position of the dot, all that
    the agent can change, causes little of it, so that a plain pixel loss gives it up first. No
    pixel of the texture is as bright as the dot. The actions are those of `DotsEnv`. Registered as
    `worldvae/BusyDots-v0` with at most 60 steps.
    """

    def __init__(
        self,
        size: int = 64,
        dot: int | tuple[int, int] = (2, 1),
        speed: float = 0.08,
        continuous: bool = False,
        goal: bool = False,
        render_mode: str | None = None,
    ) -> None:
        super().__init__(size, dot, speed, continuous, goal, render_mode)
        lit = np.random.default_rng(TEXTURE_SEED).random((size, size, 1)) < 0.5
        self._texture = lit.astype(np.float64)
        self.light = np.full(2, 0.5)
        """(2,): brightness and tint, each in [0, 1]."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        super().reset(seed=seed)
        self.light = self.np_random.random(2)
        return self._frame(), {}

    def step(self, action: Any) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        # The random walk is reflected at 0 and 1, so that it stays uniform over [0, 1].
        walked = np.abs(self.light + self.np_random.normal(0, DRIFT, 2))
        self.light = 1 - np.abs(1 - walked)
        return super().step(action)

    def _background(self) -> Frame:
        brightness, tint = self.light
        color = (WARM + tint * (COLD - WARM)) * np.interp(brightness, (0, 1), BRIGHTNESS)
        return np.asarray(self._texture * color, np.uint8)


@state_reader("worldvae/Dots-")
def read_dots(env: DotsEnv) -> dict[str, float]:
    """Return the positions of the dots, in [0, 1] from left to right and from top to bottom."""
    dots = {"agent": env.agent, **({"goal": env.goal} if env.has_goal else {})}
    return {
        f"{name}.{axis}": float(dot[i]) for name, dot in dots.items() for i, axis in enumerate("xy")
    }


@state_reader("worldvae/BusyDots-")
def read_busy_dots(env: BusyDotsEnv) -> dict[str, float]:
    """Return the position of the dot, and the brightness and tint of the background."""
    brightness, tint = env.light
    light = {"background.brightness": float(brightness), "background.tint": float(tint)}
    return {**read_dots(env), **light}
