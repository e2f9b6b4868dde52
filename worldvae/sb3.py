"""The two doors to Stable-Baselines3: Gymnasium's vector environments, and latents of a VecEnv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from worldvae.autoencoders import Encoder
from worldvae.envs.vector import final_observations, image_of, replace_image_space, with_image
from worldvae.history import stacked_space
from worldvae.latent import FrameEncoder, LatentStacks


class VectorEnvAdapter(VecEnv):
    """A Gymnasium `VectorEnv` with SAME_STEP autoreset as a Stable-Baselines3 `VecEnv`.

    `final_obs` becomes `terminal_observation`, and an episode that was truncated but not
    terminated carries `TimeLimit.truncated`, from which PPO knows to bootstrap its value.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        self.env = env
        self._actions: Any = None
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def reset(self) -> VecEnvObs:
        seeds: Any = self._seeds if any(seed is not None for seed in self._seeds) else None
        obs, _ = self.env.reset(seed=seeds, options=next(iter(self._options), None) or None)
        self._reset_seeds()
        self._reset_options()
        return obs  # type: ignore[no-any-return]

    def step_async(self, actions: Any) -> None:
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        obs, rewards, terminated, truncated, info = self.env.step(self._actions)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for index, final in zip(*final_observations(info, self.num_envs), strict=True):
            infos[index]["terminal_observation"] = final
            infos[index]["TimeLimit.truncated"] = bool(truncated[index] and not terminated[index])
        return obs, rewards.astype(np.float32), terminated | truncated, infos

    def close(self) -> None:
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self.env, attr_name)] * len(self._which(indices))

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


class LatentVecEnv(VecEnvWrapper):
    """A `VecEnv` of frames seen through an encoder: (N, stack x Z) float32, one batch per step.

    For those who have a VecEnv already; `terminal_observation` is encoded too. Frames are
    (H0, W0, C), as the environment gives them: wrap before `VecTransposeImage`.

    Args:
        venv: Observes frames, or a Dict with a frame under `image_key`, which is replaced.
        encoder: An `Encoder`, or the folder of one.
        stack: How many latents, the newest last, make one observation.
        whiten: Shift and scale each latent by its mean and deviation over the training frames.
    """

    def __init__(
        self,
        venv: VecEnv,
        encoder: Encoder | str | Path,
        stack: int = 4,
        whiten: bool = True,
        image_key: str | None = None,
    ) -> None:
        frame = venv.get_attr("frame_config")[0] if venv.has_attr("frame_config") else None
        encode = FrameEncoder(encoder, whiten, frame)
        self._stacks, self._image_key = LatentStacks(encode, stack), image_key
        latents = stacked_space(encode.space, stack)
        super().__init__(venv, replace_image_space(venv.observation_space, image_key, latents))

    def reset(self) -> VecEnvObs:
        obs = self.venv.reset()
        frames = image_of(obs, self._image_key)
        stacks, _ = self._stacks.step(frames, np.ones(self.num_envs, bool))
        return with_image(obs, self._image_key, stacks)  # type: ignore[no-any-return]

    def step_wait(self) -> VecEnvStepReturn:
        obs, rewards, dones, infos = self.venv.step_wait()
        ended = np.flatnonzero(dones)
        finals = [infos[index]["terminal_observation"] for index in ended]
        last_frames = [image_of(final, self._image_key) for final in finals]
        frames = image_of(obs, self._image_key)
        stacks, last = self._stacks.step(frames, dones, last_frames, ended)
        for index, final, stack in zip(ended, finals, last, strict=True):
            infos[index]["terminal_observation"] = with_image(final, self._image_key, stack)
        return with_image(obs, self._image_key, stacks), rewards, dones, infos
