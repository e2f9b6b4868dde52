"""Plays one agent in one episode, one decision at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy.agent import Agent
from worldvae.envs.speed import steps_per_second
from worldvae.envs.state import STATE
from worldvae.envs.vector import batch_of_one
from worldvae.envs.world import World
from worldvae.seeding import derive
from worldvae.torch_seeding import seeded_torch

USUAL_RATE = 30.0
"""Steps a second of an environment that does not say how fast it is."""


class Player:
    """An agent that plays the episode of `seed` in a world.

    Each action is sampled with a seed of its own, so the agent plays the same alone and beside
    others.
    """

    def __init__(self, name: str, agent: Agent, world: World, seed: int) -> None:
        self.name, self.agent = name, agent.begin()
        self.total, self.decisions, self.ended = 0.0, 0, False
        self._image_key = world.image_key
        self._seed = seed
        self._world, self._env = world, world.make_env()
        self.rate = (steps_per_second(self._env) or USUAL_RATE) / world.action_repeat
        """Decisions per second at the environment's nominal speed."""
        self._observe(*self._env.reset(seed=seed))

    def step(self) -> None:
        """Take the action that the agent chose; does nothing once the episode has ended."""
        if self.ended:
            return
        obs, reward, terminated, truncated, info = self._env.step(self._action)
        self.total += float(reward)
        self.decisions += 1
        self.ended = terminated or truncated
        self._observe(obs, info)

    def close(self) -> None:
        self._env.close()

    @property
    def seen(self) -> NDArray[Any]:
        """What the policy observed of the current frame; of a dict, the entry of its image key."""
        seen = self.agent.seen
        return np.array((seen[self._image_key] if isinstance(seen, dict) else seen)[0])

    def _observe(self, obs: Any, info: dict[str, Any]) -> None:
        """Let the agent observe and choose an action, which the next `step` takes."""
        self.frame: NDArray[np.uint8] = self._world.picture(self._env, obs)
        state = info[STATE][None] if STATE in info else None
        episode_start = np.array([self.decisions == 0])
        with seeded_torch(derive(self._seed, "play", self.decisions)):
            self._action = self.agent(batch_of_one(obs, self._image_key), episode_start, state)[0]


def short_return(value: float) -> str:
    """Return a number in at most eight letters up to 100,000: "12,346" for 12345.6, "-3.0e-06"."""
    if 1e-9 < abs(value) < 0.005:  # below is what rounding may have made of 0
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
