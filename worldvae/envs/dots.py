"""A tiny world whose state is known: bring the white dot to the red one."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.envs.frames import Frame

AGENT_COLOR = (255, 255, 255)
GOAL_COLOR = (255, 64, 64)
MOVES = np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)], np.float32)


class DotsEnv(gym.Env[Frame, Any]):
    """Frames (size, size, 3) uint8 of two dots; move the white one to the red one.

    State, also in `info["state"]`: (agent x, agent y, goal x, goal y), each in [0, 1].
    Actions: five moves (stay, left, right, up, down) of `speed`, or with `continuous` a
    velocity in [-1, 1]^2 times `speed`. Reward: the distance gained, plus 1 on arrival, which
    terminates the episode; registered as `worldvae/Dots-v0` with a limit of 60 steps.

    Args:
        size: Height and width of the frame, pixels.
        dot: Side of each dot, pixels.
        speed: Distance of one move, as a share of the frame.
        continuous: Box actions in place of the five moves.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012

    def __init__(
        self,
        size: int = 40,
        dot: int = 5,
        speed: float = 0.08,
        continuous: bool = False,
        render_mode: str | None = None,
    ) -> None:
        self.size, self.dot, self.speed = size, dot, speed
        self.render_mode = render_mode
        self.observation_space = spaces.Box(0, 255, (size, size, 3), np.uint8)
        self.action_space = (
            spaces.Box(-1, 1, (2,), np.float32) if continuous else spaces.Discrete(5)
        )
        self._state = np.zeros(4, np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        super().reset(seed=seed)
        self._state = self.np_random.random(4, np.float32)
        return self._frame(), self._info()

    def step(self, action: Any) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        before = self._distance()
        velocity = MOVES[action] if isinstance(self.action_space, spaces.Discrete) else action
        moved = self._state[:2] + self.speed * np.clip(velocity, -1, 1)
        self._state[:2] = np.clip(moved, 0, 1)
        after = self._distance()
        arrived = after < 0.1
        return self._frame(), before - after + float(arrived), arrived, False, self._info()

    def render(self) -> Frame:
        return self._frame()

    def _distance(self) -> float:
        return float(np.linalg.norm(self._state[:2] - self._state[2:]))

    def _info(self) -> dict[str, NDArray[np.float32]]:
        return {"state": self._state.copy()}

    def _frame(self) -> Frame:
        frame = np.zeros((self.size, self.size, 3), np.uint8)
        for position, color in ((self._state[2:], GOAL_COLOR), (self._state[:2], AGENT_COLOR)):
            left, top = np.rint(position * (self.size - self.dot)).astype(int)
            frame[top : top + self.dot, left : left + self.dot] = color
        return frame
