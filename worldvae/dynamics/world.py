"""The dream as a world, in which agents train, are evaluated and collect frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from worldvae.dynamics.dream import DreamVectorEnv
from worldvae.dynamics.dream_env import DreamEnv
from worldvae.dynamics.dream_source import DreamSource


@dataclass(frozen=True)
class DreamWorld:
    """The world whose environments dream; it satisfies `worldvae.envs.world.World`.

    What agents observe in it are latents and memory already.
    """

    source: DreamSource

    @property
    def name(self) -> str:
        return f"a dream of {self.source.card.env_id}"

    @property
    def image_key(self) -> str | None:
        return self.source.card.image_key

    @property
    def has_limit(self) -> bool:
        return True

    @property
    def action_repeat(self) -> int:
        return self.source.card.action_repeat

    def make_vec(self, num_envs: int, seed: int) -> VectorEnv[Any, Any, Any]:
        return DreamVectorEnv(self.source, num_envs, seed)

    def make_env(self) -> gym.Env[Any, Any]:
        return DreamEnv(self.source)

    def picture(self, env: gym.Env[Any, Any], observation: Any) -> NDArray[Any]:
        dream = env.unwrapped
        assert isinstance(dream, DreamEnv)
        return dream.picture()
