"""CarRacing without the frames that nobody sees: drawing one takes 99 % of a step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs

from worldvae.envs.wrappers import ActionRepeat, Step

STATE_PIXELS = "state_pixels"
"""What CarRacing calls the frames that it observes."""


class SeldomDrawn(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Gymnasium's CarRacing, which draws a frame on every step, made to draw only when asked to.

    Physics and rewards are untouched, and what is drawn is what it would have drawn.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self._car: Any = env.unwrapped
        self._nothing = np.zeros(env.observation_space.shape or (), np.uint8)
        self._score_shown = 0.0

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

    def _leave_out(self, mode: str) -> Any:
        self._score_shown = self._car.reward
        return self._nothing.copy()


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
