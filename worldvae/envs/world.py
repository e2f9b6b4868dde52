"""A world is a factory of environments, in which agents train, are evaluated and collect frames.

The real world is defined here. A dream of latent dynamics is another world of the same interface.
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
from worldvae.envs.observations import image_of


class World(Protocol):
    """A factory of environments of one task."""

    @property
    def name(self) -> str:
        """The name of the world in messages, such as a Gymnasium id."""

    @property
    def image_key(self) -> str | None:
        """The key of the image if observations are a Dict; None if they are one array."""

    @property
    def has_limit(self) -> bool:
        """Whether episodes have a known limit of steps."""

    @property
    def action_repeat(self) -> int:
        """The number of environment steps in one decision."""

    def make_vec(self, num_envs: int, seed: int) -> VectorEnv[Any, Any, Any]:
        """Make N environments with SAME_STEP autoreset, whose first reset uses `seed`."""

    def make_env(self) -> gym.Env[Any, Any]:
        """Make one environment with the same observations and actions."""

    def picture(self, env: gym.Env[Any, Any], observation: Any) -> NDArray[Any]:
        """Return the picture of `env` that a film shows after `observation`: (H, W, C) uint8."""


@dataclass(frozen=True)
class RealWorld:
    """The world whose environments `make_env` and `make_vec` make from a configuration."""

    config: EnvConfig
    state: bool = True
    """Whether the true state is read, which nobody needs whose policy does not observe it."""

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
        return make_vec(self.config, num_envs, seed, self.state)

    def make_env(self) -> gym.Env[Any, Any]:
        return make_env(self.config, self.state)

    def picture(self, env: gym.Env[Any, Any], observation: Any) -> NDArray[Any]:
        return image_of(observation, self.config.image_key)
