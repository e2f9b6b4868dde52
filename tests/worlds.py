"""Environments of known behaviour, for the tests; `env.import` names this module."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.envs import state_reader


class Clock(gym.Env[Any, int]):
    """Every frame shows how many steps the episode is old; the reward of step t is t.

    The first random number of an episode decides when it ends: after 3 ... 3 + spread steps.
    Even lengths terminate, odd ones truncate. Action 1 gives a reward of -1 instead.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(
        self, render_mode: str | None = None, spread: int = 4, as_dict: bool = False
    ) -> None:
        self.render_mode, self._spread, self._as_dict = render_mode, spread, as_dict
        image = spaces.Box(0, 255, (40, 48, 3), np.uint8)
        extra = spaces.Box(0, 1000, (1,), np.float32)
        self.observation_space = (
            spaces.Dict({"camera": image, "speed": extra}) if as_dict else image
        )
        self.action_space = spaces.Discrete(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.age, self._length = 0, 3 + int(self.np_random.integers(self._spread + 1))
        return self._observe(), {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.age += 1
        over, even = self.age >= self._length, self._length % 2 == 0
        reward = -1.0 if action == 1 else float(self.age)
        return self._observe(), reward, over and even, over and not even, {}

    def render(self) -> NDArray[np.uint8]:
        return np.full((40, 48, 3), 10 * self.age, np.uint8)

    def _observe(self) -> Any:
        frame = self.render()
        if not self._as_dict:
            return frame
        return {"camera": frame, "speed": np.array([self.age], np.float32)}


class Mute(Clock):
    """A clock that no reader reads; what it calls its state itself is not one."""

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        *step, _ = super().step(action)
        return (*step, {"state": np.zeros(3)})  # type: ignore[return-value]


class Fussy(Clock):
    """Refuses to be made."""

    def __init__(self, **_: Any) -> None:
        raise ValueError("not today")


class Many(Clock):
    """Takes two actions at once."""

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        self.action_space = spaces.MultiDiscrete([2, 2])  # type: ignore[assignment]


class Blind(Clock):
    """Observes a number and draws nothing."""

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(None)
        self.observation_space = spaces.Box(0, 1, (1,))


@state_reader("tests/Clock-")
def read_age(env: Clock) -> dict[str, int]:
    return {"age": env.age}


for world in (Clock, Mute, Fussy, Many, Blind):
    gym.register(f"tests/{world.__name__}-v0", entry_point=world)
