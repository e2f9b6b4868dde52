"""Rooms of MiniGrid, another one in each episode: what one encoder for all of them is made on."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

ROOMS = (
    "MiniGrid-Empty-Random-5x5-v0",
    "MiniGrid-LavaGapS5-v0",
    "MiniGrid-Dynamic-Obstacles-Random-5x5-v0",
)


class OneOfTheRooms(gym.Wrapper[Any, Any, Any, Any]):
    """Begins each episode in one of `ROOMS`, drawn by its own random numbers."""

    def __init__(self, **settings: Any) -> None:
        self._rooms = [gym.make(f"minigrid:{room}", **settings).unwrapped for room in ROOMS]
        super().__init__(self._rooms[0])
        self.action_space = self.env.action_space  # the moving balls' room takes the last four as 0
        self.observation_space = self.env.observation_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        if seed is not None:
            self.np_random, _ = gym.utils.seeding.np_random(seed)
        self.env = self._rooms[self.np_random.integers(len(ROOMS))]
        return self.env.reset(seed=int(self.np_random.integers(2**31)), options=options)


gym.register("OneOfTheRooms-v0", OneOfTheRooms)
