"""A Gymnasium `VectorEnv` as a Stable-Baselines3 `VecEnv`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from worldvae.dynamics.dream_batch import TOLD
from worldvae.envs.isolation import SUCCESS
from worldvae.envs.vector import (
    PREPARED,
    check_autoreset,
    check_kind,
    final_observations,
    final_success,
    prepared,
)
from worldvae.errors import ConfigError


class VectorEnvAdapter(VecEnv):
    """Makes a Gymnasium `VectorEnv` with SAME_STEP autoreset a Stable-Baselines3 `VecEnv`.

    `final_obs` becomes `terminal_observation`. An episode that was truncated but not terminated
    sets `TimeLimit.truncated`, which tells PPO to bootstrap the value of its last observation.
    Of an episode's last info `is_success` is kept, from which the library logs the success rate.
    Of dreams all infos are kept, by which callbacks see how far they can be trusted.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        check_kind(env, VectorEnv)
        check_autoreset(env)
        self.env = env
        self._actions: Any = None
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def reset(self) -> VecEnvObs:
        seeds: Any = self._seeds if any(seed is not None for seed in self._seeds) else None
        obs, _ = self.env.reset(seed=seeds, options=self._common_options())
        self._reset_seeds()
        self._reset_options()
        return obs  # type: ignore[no-any-return]

    def step_async(self, actions: Any) -> None:
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        obs, rewards, terminated, truncated, info = self.env.step(self._actions)
        infos = _told(info, self.num_envs)
        for index, final in zip(*final_observations(info, self.num_envs), strict=True):
            infos[index]["terminal_observation"] = final
            infos[index]["TimeLimit.truncated"] = bool(truncated[index] and not terminated[index])
            if (success := final_success(info, index)) is not None:
                infos[index][SUCCESS] = success
        return obs, rewards.astype(np.float32), terminated | truncated, infos

    def _common_options(self) -> dict[str, Any] | None:
        """Return the options that `set_options` gave; ConfigError if they are not one for all."""
        first, *others = self._options
        if any(other != first for other in others):
            raise ConfigError("a VectorEnv takes one set of options for all environments")
        return first or None

    def get_images(self) -> list[NDArray[np.uint8] | None]:
        """Return what each environment shows, (H, W, 3) uint8; None without a render_mode."""
        frames: Any = self.env.render()
        return [None] * self.num_envs if frames is None else list(frames)

    def close(self) -> None:
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        try:
            value = getattr(self.env, attr_name)
        except AttributeError:
            # Gymnasium's wrappers hide what those inside of them, or in other processes, have.
            value = prepared(self.env, attr_name) if attr_name in PREPARED else None
            if value is None:
                raise
        return [value] * len(self._which(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise AttributeError(f"a VectorEnv has no {attr_name} of single environments to set")

    def env_method(
        self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any
    ) -> list[Any]:
        raise AttributeError(f"a VectorEnv has no {method_name} of single environments to call")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False] * len(self._which(indices))

    def _which(self, indices: int | Sequence[int] | None) -> Sequence[int]:
        return list(self._get_indices(indices))


def _told(info: dict[str, Any], num_envs: int) -> list[dict[str, Any]]:
    """Return what dreams tell of a step, for each of them; nothing of other environments.

    Where a dream ended it is of that dream, and not of the one that has begun.
    """
    told: list[dict[str, Any]] = [{} for _ in range(num_envs)]
    if not all(name in info for name in TOLD):
        return told
    final, ended = info.get("final_info", info), info.get("_final_info", np.zeros(num_envs, bool))
    for name in TOLD:
        values = np.where(ended, final[name], info[name])
        for one, value in zip(told, values.tolist(), strict=True):
            one[name] = value
    return told
