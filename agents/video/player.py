"""One agent in one episode, a decision at a time, for those who watch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.policy.agent import Agent
from worldvae.envs.state import STATE
from worldvae.envs.world import World
from worldvae.seeding import derive
from worldvae.torch_seeding import seeded_torch


class Player:
    """An agent in the episode of `seed` of a world.

    Each sampled action has a seed of its own: it plays alike alone and in company.
    """

    def __init__(self, name: str, agent: Agent, world: World, seed: int) -> None:
        self.name, self.agent = name, agent.begin()
        self.total, self.decisions, self.ended = 0.0, 0, False
        self._image_key = world.image_key
        self._seed = seed
        self._world, self._env = world, world.make_env()
        self.rate = frame_rate(self._env.metadata) / world.action_repeat
        """Decisions a second, where the environment runs as fast as it is meant to."""
        self._look(*self._env.reset(seed=seed))

    def step(self) -> None:
        """Do what was chosen; after its end an episode stands still."""
        if self.ended:
            return
        obs, reward, terminated, truncated, info = self._env.step(self._action)
        self.total += float(reward)
        self.decisions += 1
        self.ended = terminated or truncated
        self._look(obs, info)

    def close(self) -> None:
        self._env.close()

    @property
    def seen(self) -> NDArray[Any]:
        """What the policy was given of this frame: the image's place, without other keys."""
        seen = self.agent.seen
        return np.array((seen[self._image_key] if isinstance(seen, dict) else seen)[0])

    def _look(self, obs: Any, info: dict[str, Any]) -> None:
        """Let the agent see and choose; what it chose waits for `step`."""
        self.frame: NDArray[np.uint8] = self._world.picture(self._env, obs)
        state = info[STATE][None] if STATE in info else None
        episode_start = np.array([self.decisions == 0])
        with seeded_torch(derive(self._seed, "play", self.decisions)):
            self._action = self.agent(_batch(obs, self._image_key), episode_start, state)[0]


def frame_rate(metadata: Any) -> float:
    """Frames a second that an environment says it is meant to run at; 30 where it does not."""
    told: Any = metadata.get("render_fps") if isinstance(metadata, Mapping) else None
    is_rate = isinstance(told, int | float) and math.isfinite(told) and told > 0
    return float(told) if is_rate else 30.0


def short_return(value: float) -> str:
    """In at most eight letters up to a hundred thousand: 12345.6 -> "12,346", 0.0583 -> "0.06"."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _batch(obs: Any, image_key: str | None) -> Any:
    """One environment's observation as a batch of one."""
    if image_key is None:
        return obs[None]
    return {key: np.asarray(value)[None] for key, value in obs.items()}
