"""What backends and wrappers share: the first seed, final observations, images in a Dict."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from numpy.typing import NDArray

from worldvae.envs.frames import FrameConfig
from worldvae.errors import ConfigError


class SeededVectorEnv(VectorWrapper):  # no generic class before Gymnasium 1.4
    """The first `reset()` without a seed uses the seed given here; later ones go on from it.

    `frame_config` tells an encoder's wrapper how the frames were preprocessed, `env_action_space`
    in which space each environment is given its actions (see `EnvActions`), and rollouts hold
    them; None: in that which policies act in.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        seed: int | None,
        frame_config: FrameConfig,
        env_action_space: gym.Space[Any] | None = None,
    ) -> None:
        super().__init__(env)
        self._seed = seed
        self.frame_config = frame_config
        self.env_action_space = env_action_space or env.single_action_space

    @property
    def autoreset_mode(self) -> AutoresetMode:
        """As in its metadata: SAME_STEP."""
        return autoreset_mode_of(self.env)

    def reset(
        self,
        *,
        seed: Any = None,  # an int, a list of N of them, or None; Gymnasium types only the first
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        seed, self._seed = (self._seed if seed is None else seed), None
        return self.env.reset(seed=seed, options=options)


def action_space_of(env: VectorEnv[Any, Any, Any]) -> gym.Space[Any]:
    """In which each of the environments of `make_vec` is given its actions, and rollouts hold them.

    That in which policies act, for a vector environment of another maker.
    """
    space: gym.Space[Any] = getattr(env, "env_action_space", env.single_action_space)
    return space


def final_info(frames: NDArray[np.uint8], ended: NDArray[np.bool_]) -> dict[str, Any]:
    """`final_obs` as Gymnasium's own vector environments give it: an object array and its mask.

    frames (E, H, W, C) of the E envs that ended, in order; ended (N,).
    """
    if not ended.any():
        return {}
    final = np.empty(len(ended), object)
    for index, frame in zip(np.flatnonzero(ended), frames, strict=True):
        final[index] = frame
    return {"final_obs": final, "_final_obs": ended.copy()}


def final_observations(info: dict[str, Any], num_envs: int) -> tuple[NDArray[np.intp], list[Any]]:
    """Indices of the envs whose episode ended on this step, and the last observation of each."""
    ended = info.get("_final_obs", np.zeros(num_envs, bool))
    indices = np.flatnonzero(ended)
    return indices, [info["final_obs"][index] for index in indices]


def image_of(observation: Any, image_key: str | None) -> NDArray[np.uint8]:
    """The image of an observation that is one, or of a Dict that holds one."""
    return observation if image_key is None else observation[image_key]  # type: ignore[no-any-return]


def with_image(observation: Any, image_key: str | None, image: NDArray[Any]) -> Any:
    """`observation` with `image` in the place of its image."""
    return image if image_key is None else {**observation, image_key: image}


def image_space(space: gym.Space[Any], image_key: str | None) -> gym.Space[Any]:
    """As `image_of`, of the space; ConfigError if there is no such key, or none was named."""
    if image_key is None:
        if isinstance(space, spaces.Dict):
            raise ConfigError(f"observations are a Dict; image_key has to be one of {[*space]}")
        return space
    if not isinstance(space, spaces.Dict):
        raise ConfigError(f"image_key = {image_key!r}: observations are no Dict but {space}")
    if image_key not in space.spaces:
        raise ConfigError(f"image_key = {image_key!r}: observations have only {[*space]}")
    return space[image_key]


def replace_image_space(
    space: gym.Space[Any], image_key: str | None, image: spaces.Box
) -> gym.Space[Any]:
    """As `with_image`, of the space; ConfigError as `image_space`."""
    image_space(space, image_key)
    return spaces.Dict({**space.spaces, image_key: image}) if image_key is not None else image  # type: ignore[attr-defined]


def autoreset_mode_of(env: VectorEnv[Any, Any, Any]) -> AutoresetMode:
    """When an episode of `env` follows the one that ended; ConfigError if it does not say so."""
    try:
        return AutoresetMode(env.metadata["autoreset_mode"])
    except (KeyError, ValueError):
        raise ConfigError(
            "the vector environment does not say how it resets; set its "
            "metadata['autoreset_mode'] to one of gymnasium.vector.AutoresetMode"
        ) from None


def check_autoreset(env: VectorEnv[Any, Any, Any]) -> None:
    """Raise ConfigError unless `env` begins an episode in the step that ended the last one.

    In Gymnasium's default, NEXT_STEP, that step shows the old episode's end, and no `final_obs`.
    """
    mode = autoreset_mode_of(env)
    if mode is not AutoresetMode.SAME_STEP:
        raise ConfigError(
            f"the vector environment resets as {mode}; make it with "
            "autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP"
        )
