"""A world is a factory of environments: what trains, scores, films or collects steps any of them.

The real one is here. A dream of latent dynamics is another, with the same contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium as gym
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from worldvae.envs.config import EnvConfig
from worldvae.envs.make import make_env, make_vec
from worldvae.envs.make_raw import has_limit
from worldvae.envs.vector import image_of


class World(Protocol):
    """Where episodes happen."""

    @property
    def name(self) -> str:
        """Its name in messages, such as a Gymnasium id."""

    @property
    def image_key(self) -> str | None:
        """The key of the image in a Dict observation; None for an observation that is one array."""

    @property
    def has_limit(self) -> bool:
        """Whether each episode is known to end after some number of decisions."""

    @property
    def action_repeat(self) -> int:
        """How many environment steps one decision lasts."""

    def make_vec(self, num_envs: int, seed: int) -> VectorEnv[Any, Any, Any]:
        """N environments with SAME_STEP autoreset, the first episodes begun from `seed`."""

    def make_env(self) -> gym.Env[Any, Any]:
        """One environment of the same observations and actions."""

    def picture(self, env: gym.Env[Any, Any], observation: Any) -> NDArray[Any]:
        """What a person is shown of `env` (H, W, C) uint8, where it gave `observation`."""


@dataclass(frozen=True)
class RealWorld:
    """The environments of a configuration, see `World`."""

    config: EnvConfig

    @property
    def name(self) -> str:
        return self.config.id

    @property
    def image_key(self) -> str | None:
        return self.config.image_key

    @property
    def has_limit(self) -> bool:
        return has_limit(self.config)

    @property
    def action_repeat(self) -> int:
        return self.config.action_repeat

    def make_vec(self, num_envs: int, seed: int) -> VectorEnv[Any, Any, Any]:
        return make_vec(self.config, num_envs, seed)

    def make_env(self) -> gym.Env[Any, Any]:
        return make_env(self.config)

    def picture(self, env: gym.Env[Any, Any], observation: Any) -> NDArray[Any]:
        return image_of(observation, self.config.image_key)
