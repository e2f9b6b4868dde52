"""`make_env` makes one environment that observes frames, `make_vec` makes N of them."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium as gym
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

import worldvae.envs.readers  # noqa: F401  # registers the readers of known environments
from worldvae.envs.backends.workers import WorkerVectorEnv
from worldvae.envs.car_racing import LazyActionRepeat, LazyDrawing, NoDrawing
from worldvae.envs.config import EnvConfig
from worldvae.envs.isolation import Isolation
from worldvae.envs.make_raw import ATARI, find_spec, make_raw
from worldvae.envs.observations import image_keys, image_layout, why_no_image
from worldvae.envs.state import ShowState, StateVariable, find_reader
from worldvae.envs.user_code import described, warn_once
from worldvae.envs.vector import SeededVectorEnv
from worldvae.envs.wrappers import (
    ActionRepeat,
    BlackFrame,
    FrameObservation,
    GiveUp,
    MaxPooledRepeat,
    SteerThrottle,
)
from worldvae.errors import ConfigError, WorldvaeError


def make_env(config: EnvConfig, state: bool = True) -> gym.Env[Any, Any]:
    """Make one environment that observes a frame (H, W, C) uint8, or a Dict that holds one.

    `state` says whether `info["state"]` shows the true state where a reader is registered. Reading
    it takes up to a quarter of a step.

    Raises ConfigError for an unknown id, for arguments that the environment refuses, and for an
    environment that has no image in its observation and cannot render one.
    """
    spec = find_spec(config)
    env: gym.Env[Any, Any] = Isolation(make_raw(spec, config))
    drawing = None
    if spec.id.startswith("CarRacing-"):
        lazy = LazyDrawing(env)
        env, drawing = (NoDrawing(lazy), None) if config.pixels == "none" else (lazy, lazy)
    if config.give_up_after is not None:
        env = GiveUp(env, config.give_up_after)
    if config.has_steer_throttle:
        env = SteerThrottle(env)
    if drawing is not None and config.action_repeat > 1 and not config.frame.max_pool:
        env = LazyActionRepeat(env, config.action_repeat)
    else:
        env = repeating(env, config, spec)
    # Looked up after `make_raw`, which may import the module that registers the reader.
    reader = find_reader(spec.id) if state else None
    if reader is not None:
        env = ShowState(env, reader)  # outside of what repeats actions: read once a decision
    if config.pixels == "none":
        return BlackFrame(env, config.frame, config.image_key, config.other_keys)
    render = _must_render(config, env.observation_space)
    if render and env.render_mode != "rgb_array":
        raise ConfigError(_no_image_message(spec, config, env.observation_space))
    return FrameObservation(env, config.frame, config.image_key, render, config.other_keys)


def repeating(env: gym.Env[Any, Any], config: EnvConfig, spec: EnvSpec) -> gym.Env[Any, Any]:
    """Return `env` with each action repeated as `config` says, its images pooled if it says so.

    Raises ConfigError if there are no images of single steps to be pooled.
    """
    if config.frame.max_pool and config.pixels != "none":
        _check_pooled(spec, config, env.observation_space)
        return MaxPooledRepeat(env, config.action_repeat, config.image_key)
    return env if config.action_repeat == 1 else ActionRepeat(env, config.action_repeat)


def make_vec(
    config: EnvConfig, num_envs: int, seed: int, state: bool = True
) -> VectorEnv[Any, Any, Any]:
    """Make N environments with SAME_STEP autoreset that observe frames (N, H, W, C) uint8.

    If a step ends the episode of environment i, `obs[i]` is the first frame of its next episode and
    `info["final_obs"][i]` the last frame of the episode that ended; `info["_final_obs"]` (N,) is
    true for these environments. The first `reset()` uses `seed`, from which different backends draw
    different episodes. `state` is that of `make_env`. Raises ConfigError as `make_env` does.
    """
    spec = find_spec(config)
    backend = choose_backend(config, spec)
    prepared = config.frame, config.action_repeat, config.image_key
    if backend == "ale":
        from worldvae.envs.backends.ale import AleVectorEnv

        return SeededVectorEnv(AleVectorEnv(config, spec, num_envs), seed, *prepared)
    if backend == "envpool":
        from worldvae.envs.backends.envpool import EnvPoolVectorEnv

        return SeededVectorEnv(EnvPoolVectorEnv(config, spec, num_envs, seed), None, *prepared)
    own_space = recorded_action_space(config)  # raises an error here and not inside a worker
    vec = _gymnasium_vec(config, num_envs, seed, state)
    return SeededVectorEnv(vec, seed, *prepared, own_space)


def recorded_action_space(config: EnvConfig) -> gym.Space[Any]:
    """Return the space of the actions that rollouts of the environment record."""
    probe = make_env(config)
    probe.close()
    if config.has_steer_throttle:
        return probe.action_space
    space: gym.Space[Any] = probe.get_wrapper_attr("env_action_space")
    return space


def source_shape(config: EnvConfig) -> tuple[int, ...]:
    """Return the shape of the environment's own frame, before any preprocessing."""
    env = make_env(config)
    try:
        env.reset(seed=0)
        return tuple(env.get_wrapper_attr("source_shape"))
    finally:
        env.close()


def state_variables(config: EnvConfig) -> tuple[StateVariable, ...]:
    """Return the variables of the true state, the columns of `info["state"]`, in their order.

    They are those of the Gymnasium backend, whatever `config.backend` is; empty without a reader.
    """
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
    """Return whether the backend shows the true state; those written in C++ do not."""
    return choose_backend(config, find_spec(config)) == "gymnasium"


def choose_backend(config: EnvConfig, spec: EnvSpec) -> str:
    """Return the backend that `config.backend` names, or for "auto" the fastest that fits.

    Raises ConfigError if the named backend cannot play the environment.
    """
    from worldvae.envs.backends import ale, envpool

    refusals = {"ale": ale.refusal(config, spec), "envpool": envpool.refusal(config, spec)}
    if config.backend == "auto":
        fitting = [name for name, refused in refusals.items() if refused is None]
        return fitting[0] if fitting else "gymnasium"
    refused = refusals.get(config.backend)
    if refused is not None:
        raise ConfigError(f"env.backend = {config.backend!r}: {refused}; use auto or gymnasium")
    return config.backend


def _check_pooled(spec: EnvSpec, config: EnvConfig, space: gym.Space[Any]) -> None:
    """Raise ConfigError unless the images of single steps are there to be pooled."""
    if reason := _why_render(config, space):
        raise ConfigError(
            f"env.frame.max_pool: it pools images of the observation, and those of {config.id} "
            f"are rendered, since {reason}; leave it out"
        )
    skip = {**spec.kwargs, **config.kwargs}.get("frameskip", 1)
    if spec.entry_point == ATARI and skip != 1:
        raise ConfigError(
            f"env.frame.max_pool: it pools steps, and one of {config.id} shows one screen of "
            f"{skip}; set env.kwargs: {{frameskip: 1}} and env.action_repeat: 4"
        )


def _must_render(config: EnvConfig, space: gym.Space[Any]) -> bool:
    """Return whether frames come from `render()`.

    With env.pixels = "auto" they do if the observation holds no image, which is then said in a
    warning. Raises ConfigError if env.pixels is "observation" but the observation holds no image.
    """
    reason = _why_render(config, space)
    if config.pixels == "observation" and reason:
        raise ConfigError(f"env.pixels = 'observation', but {reason}; use render")
    dropped = ", ".join(map(str, space.spaces)) if isinstance(space, spaces.Dict) and reason else ""
    unseen = f"; no agent is given {dropped}" if dropped else ""
    if reason and (config.pixels == "auto" or dropped):
        why = f", since {reason}" if config.pixels == "auto" else ""
        warn_once(f"{config.id}: frames: render(){why}{unseen}")
    return bool(reason)


def _no_image_message(spec: EnvSpec, config: EnvConfig, space: gym.Space[Any]) -> str:
    """Return why the environment shows no image, neither observed nor rendered."""
    reason = _why_render(config, space)
    if (mode := config.kwargs.get("render_mode")) is not None:
        return (
            f"env.kwargs.render_mode = {mode!r}: {config.id} has to render its frames, since "
            f"{reason}; leave it out, which takes 'rgb_array'"
        )
    message = f"{config.id} observes no image and has no render_mode 'rgb_array': {reason}"
    try:
        make_raw(spec, config.model_copy(update={"pixels": "render"})).close()
    except WorldvaeError as error:
        message += f"; with a render_mode it cannot be made: {described(error.__cause__ or error)}"
    return message


def _why_render(config: EnvConfig, space: gym.Space[Any]) -> str:
    """Return the reason to take frames from `render()`; empty if the observation holds one."""
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
    return f"the observation ({shape}) is no image{why_no_image(space)}"


class _EnvMaker:
    """A picklable callable that makes one of the environments of a vector, also in a process."""

    def __init__(self, config: EnvConfig, state: bool) -> None:
        self.config, self.state = config, state

    def __call__(self) -> gym.Env[Any, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parent process has already shown them
            return make_env(self.config, self.state)


def _gymnasium_vec(
    config: EnvConfig, num_envs: int, seed: int, state: bool
) -> VectorEnv[Any, Any, Any]:
    makers = [_EnvMaker(config, state)] * num_envs
    if config.workers == "sync" or num_envs == 1:
        return SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)
    return WorkerVectorEnv(makers, seed, config.id)
