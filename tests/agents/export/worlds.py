"""Environments of unusual spaces, for the tests; `env.import` names this module."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray


class Sampled(gym.Env[Any, Any]):
    """Shows samples of its observation space, seeded by `reset`; episodes last ten steps."""

    metadata = {"render_modes": [], "render_fps": 20}  # noqa: RUF012

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        self._age = 0
        return self.shown(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert self.action_space.contains(action), f"{action} {np.asarray(action).dtype}"
        self._age += 1
        reward = float(np.sum(action))
        return self.shown(), reward, self._age == 10, False, {}

    def shown(self) -> Any:
        return self.observation_space.sample()


class Dashboard(Sampled):
    """A Dict of every kind of key; choices that begin below 0, with names."""

    def __init__(self) -> None:
        self.observation_space = spaces.Dict(
            {
                "view": spaces.Box(0, 1, (3, 44, 48), np.float32),
                "speed": spaces.Box(-1, 4, (3,), np.float32),
                "fuel": spaces.Box(0, 9, (), np.float32),
                "gear": spaces.Discrete(4, start=1),
                "switches": spaces.MultiDiscrete([2, 3]),
                "lights": spaces.MultiBinary(3),
                "rear": spaces.Box(0, 255, (40, 36, 1), np.uint8),
                "map": spaces.Box(0, 255, (4, 4, 3), np.uint8),
                "counter": spaces.Box(0, 9, (2, 2), np.int64),
            }
        )
        self.action_space = spaces.Discrete(3, start=-1)

    def get_action_meanings(self) -> list[str]:
        return ["BRAKE", "NONE", "GAS"]


class Levers(Sampled):
    """Takes a matrix of whole numbers."""

    def __init__(self) -> None:
        self.observation_space = spaces.Box(0, 255, (50, 40), np.uint8)
        self.action_space = spaces.Box(-3, 5, (2, 2), np.int32)

    def render(self) -> NDArray[np.uint8]:
        raise AssertionError("the observation is the image")


class Loose(Sampled):
    """Shows arrays of other types than its spaces declare, as NumPy makes them unasked."""

    def __init__(self) -> None:
        view = spaces.Box(0, 255, (40, 44, 3), np.uint8)
        self.observation_space = spaces.Dict(
            {"view": view, "speed": spaces.Box(-1, 4, (3,), np.float32), "gear": spaces.Discrete(4)}
        )
        self.action_space = spaces.Discrete(3)

    def shown(self) -> dict[str, Any]:
        types = {"view": np.int64, "speed": np.float64, "gear": np.int32}
        return {key: np.asarray(part, types[key]) for key, part in super().shown().items()}


class Endless(Sampled):
    """Ends no episode, and would not be waited for."""

    def __init__(self) -> None:
        self.observation_space = spaces.Box(0, 255, (40, 44, 3), np.uint8)
        self.action_space = spaces.Discrete(2)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, *_ = super().step(action)
        assert self._age <= 60
        return observation, reward, False, False, {}


class Chaos(Sampled):
    """Doubles what an action differs by with each step, as physics of many contacts does."""

    def __init__(self) -> None:
        self.observation_space = spaces.Box(0, 255, (40, 44, 3), np.uint8)
        self.action_space = spaces.Box(-1, 1, (1,), np.float32)

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        self._place = 0.3
        return super().reset(**kwargs)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self._place = (2 * self._place + float(action[0])) % 1
        observation, *_ = super().step(action)
        return observation, self._place, self._age == 40, False, {}


for world in (Dashboard, Levers, Loose, Endless, Chaos):
    gym.register(f"tests/{world.__name__}-v0", entry_point=world)
