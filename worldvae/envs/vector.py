"""Helpers for vector environments: the first seed, final observations, and images in a Dict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import (
    AsyncVectorEnv,
    AutoresetMode,
    SyncVectorEnv,
    VectorEnv,
    VectorWrapper,
)
from numpy.typing import NDArray

from worldvae.envs.frames import FrameConfig
from worldvae.envs.isolation import SUCCESS
from worldvae.envs.observations import image_keys
from worldvae.errors import ConfigError

PREPARED = "frame_config", "steps_per_decision", "image_key"
"""The attributes of an environment that `make_env` or `make_vec` made: how, by how much, and under
which key of a Dict."""


WRAPPED = (
    "LatentObservation wraps a gymnasium.Env, LatentVectorObservation and VectorEnvAdapter a "
    "gymnasium.vector.VectorEnv, LatentVecEnv a VecEnv of Stable-Baselines3"
)
"""Which wrapper is for what, as is told to those who took another."""


def check_kind(env: Any, kind: type[Any]) -> None:
    """Raise ConfigError unless `env` is of the kind that a wrapper wraps."""
    if not isinstance(env, kind):
        raise ConfigError(f"no {kind.__name__} but {type(env).__name__}: {WRAPPED}")


class SeededVectorEnv(VectorWrapper):  # no generic class before Gymnasium 1.4
    """Uses a given seed in the first `reset()` without one; later resets continue its stream.

    Args:
        env: The vector environment.
        seed: The seed of the first reset; None if `env` is already seeded.
        frame_config: How the frames were preprocessed, which wrappers of encoders compare.
        steps_per_decision: How often each action is repeated, which wrappers with dynamics compare.
        image_key: The key of the frame, if observations are a Dict.
        env_action_space: The action space of each environment itself, in which rollouts store
            actions (see `EnvActions`); None if it is the one that policies act in.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        seed: int | None,
        frame_config: FrameConfig,
        steps_per_decision: int,
        image_key: str | None = None,
        env_action_space: gym.Space[Any] | None = None,
    ) -> None:
        super().__init__(env)
        self._seed = seed
        self.frame_config, self.steps_per_decision = frame_config, steps_per_decision
        self.image_key = image_key
        self.env_action_space = env_action_space or env.single_action_space

    @property
    def autoreset_mode(self) -> AutoresetMode:
        """The autoreset mode of the wrapped environments, SAME_STEP."""
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
    """Return the action space of each environment itself, in which rollouts store actions.

    For a vector environment that `make_vec` did not make, or one in which a wrapper gives policies
    other actions, it is the space that policies act in.
    """
    made = _layer_with(env, "env_action_space")
    if made is None or made.single_action_space != env.single_action_space:
        return env.single_action_space
    space: gym.Space[Any] = made.env_action_space
    return space


def prepared(env: VectorEnv[Any, Any, Any], name: str) -> Any:
    """Return the attribute `name`, of `PREPARED`, that `make_vec` or `make_env` gave to `env`.

    `make_env` is found inside a vector environment of Gymnasium's. Returns None for environments
    that neither of them made.
    """
    layer = _layer_with(env, name)
    if layer is not None:
        return getattr(layer, name)
    inner = env.unwrapped
    if not isinstance(inner, SyncVectorEnv | AsyncVectorEnv):
        return None
    # Checked first: to get a missing attribute would end the worker processes.
    is_known = all(inner.call("has_wrapper_attr", name))
    return inner.get_attr(name)[0] if is_known else None


def preparation(
    look_up: Callable[[str], Any], space: gym.Space[Any], image_key: str | None
) -> tuple[FrameConfig | None, int | None]:
    """Return how frames of `space` were prepared, and the steps in a decision; None if not known.

    `look_up` finds an attribute of `PREPARED`, or returns None. Of the images in a Dict one alone
    is prepared: another camera under `image_key` beside it is shown as the environment has it.
    """
    frame, steps, own_key = map(look_up, PREPARED)
    is_another = isinstance(space, spaces.Dict) and own_key in space.spaces and own_key != image_key
    return None if is_another else frame, steps


def _layer_with(env: VectorEnv[Any, Any, Any], name: str) -> Any:
    """Return the outermost of `env` and those it wraps that has `name` itself; None if none has."""
    layer: Any = env
    while layer is not None and name not in vars(layer):
        layer = vars(layer).get("env")
    return layer


def final_info(frames: NDArray[np.uint8], ended: NDArray[np.bool_]) -> dict[str, Any]:
    """Return `final_obs` in Gymnasium's format: an object array (N,) and its mask (N,).

    `frames` (E, H, W, C) are the final frames of the E environments whose episodes ended, in order;
    `ended` (N,) is true for them.
    """
    if not ended.any():
        return {}
    final = np.empty(len(ended), object)
    for index, frame in zip(np.flatnonzero(ended), frames, strict=True):
        final[index] = frame
    return {"final_obs": final, "_final_obs": ended.copy()}


def final_success(info: dict[str, Any], index: np.intp) -> bool | None:
    """Return the success that the environment told of the episode that ended; None if it did not.

    `info` is that of a step of N environments, `index` the number of the environment.
    """
    final = info.get("final_info", {})
    told = final.get(f"_{SUCCESS}")
    return bool(final[SUCCESS][index]) if told is not None and told[index] else None


def final_observations(info: dict[str, Any], num_envs: int) -> tuple[NDArray[np.intp], list[Any]]:
    """Return the indices (E,) of environments whose episode ended, and their final observations."""
    ended = info.get("_final_obs", np.zeros(num_envs, bool))
    indices = np.flatnonzero(ended)
    return indices, [info["final_obs"][index] for index in indices]


def vectors_of(observation: Any, image_key: str | None) -> dict[str, NDArray[Any]]:
    """Return the vectors (N, d) beside the image in observations of N environments, by key.

    Further cameras are left out.
    """
    if image_key is None:
        return {}
    return {
        key: value
        for key, value in observation.items()
        if key != image_key and isinstance(value, np.ndarray) and value.ndim == 2
    }


def batch_of_one(observation: Any, image_key: str | None) -> Any:
    """Return the observation of one environment as a batch: (...) -> (1, ...)."""
    if image_key is None:
        return observation[None]
    return {key: np.asarray(value)[None] for key, value in observation.items()}


def image_space(space: gym.Space[Any], image_key: str | None) -> gym.Space[Any]:
    """Return the space of the image in observations of `space`.

    Raises ConfigError if `image_key` is not a key of a Dict, or is None for a Dict.
    """
    if image_key is None:
        if isinstance(space, spaces.Dict):
            held = image_keys(space) or [*space]
            raise ConfigError(f"observations are a Dict; image_key has to be one of {held}")
        return space
    if not isinstance(space, spaces.Dict):
        raise ConfigError(f"image_key = {image_key!r}: observations are no Dict but {space}")
    if image_key not in space.spaces:
        raise ConfigError(f"image_key = {image_key!r}: observations have only {[*space]}")
    return space[image_key]


def replace_image_space(
    space: gym.Space[Any], image_key: str | None, image: spaces.Box
) -> gym.Space[Any]:
    """Return `space` with the space of its image replaced by `image`.

    Raises ConfigError as `image_space` does.
    """
    image_space(space, image_key)
    return spaces.Dict({**space.spaces, image_key: image}) if image_key is not None else image  # type: ignore[attr-defined]


def autoreset_mode_of(env: VectorEnv[Any, Any, Any]) -> AutoresetMode:
    """Return when `env` resets an episode that ended; ConfigError if its metadata lack it."""
    try:
        return AutoresetMode(env.metadata["autoreset_mode"])
    except (KeyError, ValueError):
        raise ConfigError(
            "the vector environment does not say how it resets; set its "
            "metadata['autoreset_mode'] to one of gymnasium.vector.AutoresetMode"
        ) from None


def check_autoreset(env: VectorEnv[Any, Any, Any]) -> None:
    """Raise ConfigError unless the autoreset mode of `env` is SAME_STEP.

    Gymnasium's default, NEXT_STEP, provides no `final_obs`.
    """
    mode = autoreset_mode_of(env)
    if mode is not AutoresetMode.SAME_STEP:
        raise ConfigError(
            f"the vector environment resets as {mode}; make it with "
            "autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP"
        )
