"""`make_env` for one environment, `make_vec` for N of them behind one contract."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import cv2
import gymnasium as gym
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

import worldvae.envs.readers  # noqa: F401  # registers them
from worldvae.envs.backends.workers import WorkerVectorEnv
from worldvae.envs.car_racing import LazyActionRepeat, NeverDrawn, SeldomDrawn
from worldvae.envs.config import EnvConfig
from worldvae.envs.isolation import Isolation
from worldvae.envs.make_raw import find_spec, make_raw
from worldvae.envs.observations import image_keys, image_layout
from worldvae.envs.state import ShowState, StateVariable, find_reader
from worldvae.envs.vector import SeededVectorEnv
from worldvae.envs.wrappers import (
    ActionRepeat,
    BlackFrame,
    FrameObservation,
    GiveUp,
    SteerThrottle,
)
from worldvae.errors import ConfigError, WorldvaeError


def make_env(config: EnvConfig) -> gym.Env[Any, Any]:
    """One environment whose observation is a frame (H, W, C) uint8, or a Dict that holds one.

    Raises ConfigError for an unknown id, arguments the environment refuses, or no pixels to see.
    """
    spec = find_spec(config)
    env: gym.Env[Any, Any] = Isolation(make_raw(spec, config))
    car = None
    if spec.id.startswith("CarRacing-"):
        seldom = SeldomDrawn(env)
        env, car = (NeverDrawn(seldom), None) if config.pixels == "none" else (seldom, seldom)
    reader = find_reader(spec.id)  # only now: making it may have imported the module that has one
    if reader is not None:
        env = ShowState(env, reader)
    if config.give_up_after is not None:
        env = GiveUp(env, config.give_up_after)
    if config.has_steer_throttle:
        env = SteerThrottle(env)
    if config.action_repeat > 1 and car is not None:
        env = LazyActionRepeat(env, config.action_repeat, car)
    elif config.action_repeat > 1:
        env = ActionRepeat(env, config.action_repeat)
    if config.pixels == "none":
        return BlackFrame(env, config.frame, config.image_key)
    render = _must_render(config, env.observation_space)
    if render and env.render_mode != "rgb_array":
        raise ConfigError(_why_nothing_is_seen(spec, config, env.observation_space))
    return FrameObservation(env, config.frame, config.image_key, render)


def make_vec(config: EnvConfig, num_envs: int, seed: int) -> VectorEnv[Any, Any, Any]:
    """N environments with SAME_STEP autoreset and frames (N, H, W, C) uint8.

    On the step that ends episode i, `obs[i]` is already the first frame of the next one, and
    `info["final_obs"][i]` the last of the ended one (`info["_final_obs"]` is the mask).
    The first `reset()` starts from `seed`; backends draw different worlds from one seed.
    """
    spec = find_spec(config)
    backend = choose_backend(config, spec)
    if backend == "ale":
        from worldvae.envs.backends.ale import AleVectorEnv

        return SeededVectorEnv(AleVectorEnv(config, spec, num_envs), seed, config.frame)
    if backend == "envpool":
        from worldvae.envs.backends.envpool import EnvPoolVectorEnv

        return SeededVectorEnv(EnvPoolVectorEnv(config, num_envs, seed), None, config.frame)
    probe = make_env(config)  # a mistake is told here, in one line, and not from inside a worker
    probe.close()
    taken = probe.action_space
    if not config.has_steer_throttle:
        taken = probe.get_wrapper_attr("env_action_space")
    return SeededVectorEnv(_gymnasium_vec(config, num_envs), seed, config.frame, taken)


def source_shape(config: EnvConfig) -> tuple[int, ...]:
    """Shape of the environment's own frame, before any preprocessing."""
    env = make_env(config)
    try:
        env.reset(seed=0)
        return tuple(env.get_wrapper_attr("source_shape"))
    finally:
        env.close()


def state_variables(config: EnvConfig) -> tuple[StateVariable, ...]:
    """The columns of `info["state"]` in Gymnasium's own environment; none without a reader."""
    spec = find_spec(config)
    env = Isolation(make_raw(spec, config))
    try:
        reader = find_reader(spec.id)
        if reader is None:
            return ()
        shown = ShowState(env, reader)
        shown.reset(seed=0)
        return shown.variables
    finally:
        env.close()


def shows_state(config: EnvConfig) -> bool:
    """Whether the backend lets a reader see the environment; those in C++ do not."""
    return choose_backend(config, find_spec(config)) == "gymnasium"


def choose_backend(config: EnvConfig, spec: gym.envs.registration.EnvSpec) -> str:
    """The backend that `config.backend` names; for "auto" the fastest that plays the same game."""
    from worldvae.envs.backends import ale, envpool

    refusals = {"ale": ale.refusal(config, spec), "envpool": envpool.refusal(config, spec)}
    if config.backend == "auto":
        fitting = [name for name, refused in refusals.items() if refused is None]
        return fitting[0] if fitting else "gymnasium"
    refused = refusals.get(config.backend)
    if refused is not None:
        raise ConfigError(f"env.backend = {config.backend!r}: {refused}; use auto or gymnasium")
    return config.backend


def _must_render(config: EnvConfig, space: gym.Space[Any]) -> bool:
    """Whether the frame is what `render()` shows, since the observation holds no image.

    Unless that was asked for it is said, and why. Raises ConfigError if the config says that the
    observation holds one.
    """
    reason = _why_render(config, space)
    if config.pixels == "observation" and reason:
        raise ConfigError(f"env.pixels = 'observation', but {reason}; use render")
    lost = ", ".join(map(str, space.spaces)) if isinstance(space, spaces.Dict) and reason else ""
    unseen = f"; no agent is given {lost}" if lost else ""
    if reason and (config.pixels == "auto" or lost):
        why = f", since {reason}" if config.pixels == "auto" else ""
        say_once(f"{config.id}: frames: render(){why}{unseen}")
    return bool(reason)


@cache
def say_once(line: str) -> None:
    """Warn of something that is so however often an environment is made."""
    warnings.warn(line, stacklevel=2)


def _why_nothing_is_seen(spec: EnvSpec, config: EnvConfig, space: gym.Space[Any]) -> str:
    """No image in the observation, and none rendered: why not, if it can be told."""
    words = (
        f"{config.id} observes no image and has no render_mode 'rgb_array': "
        f"{_why_render(config, space)}"
    )
    try:
        make_raw(spec, config.model_copy(update={"pixels": "render"})).close()
    except WorldvaeError as error:
        words += f"; with a render_mode {error}"
    return words


def _why_render(config: EnvConfig, space: gym.Space[Any]) -> str:
    """Empty where the frame is in the observation."""
    if config.pixels == "render":
        return "env.pixels says so"
    if config.image_key is not None:
        asked = config.pixels == "observation" and not isinstance(space, spaces.Dict)
        return f"the observation has no keys, so no {config.image_key}" if asked else ""
    if isinstance(space, spaces.Dict):
        images = ", ".join(image_keys(space))
        if not images:
            return "the observation is a Dict without an image"
        return f"the observation is a Dict and env.image_key is not set (it could be {images})"
    if image_layout(space) is not None:
        return ""
    shape = f"of shape {space.shape}, {space.dtype}" if isinstance(space, spaces.Box) else space
    return f"the observation ({shape}) is no image"


class _MakeOne:
    """Picklable constructor for worker processes."""

    def __init__(self, config: EnvConfig) -> None:
        self.config = config

    def __call__(self) -> gym.Env[Any, Any]:
        cv2.setNumThreads(1)  # N workers with a thread pool each would fight for the cores
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whoever starts the workers has said it once
            return make_env(self.config)


def _gymnasium_vec(config: EnvConfig, num_envs: int) -> VectorEnv[Any, Any, Any]:
    makers = [_MakeOne(config)] * num_envs
    if config.workers == "sync" or num_envs == 1:
        return SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)
    return WorkerVectorEnv(makers)
