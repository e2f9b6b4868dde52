"""`make_env` for one environment, `make_vec` for N of them behind one contract."""

from __future__ import annotations

import importlib
from typing import Any

import cv2
import gymnasium as gym
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

import worldvae.envs.readers  # noqa: F401  # registers them
from worldvae.config import UserError
from worldvae.envs.actions import check_space
from worldvae.envs.car_racing import LazyActionRepeat, NeverDrawn, SeldomDrawn
from worldvae.envs.config import EnvConfig
from worldvae.envs.state import ShowState, StateVariable, find_reader, kinds_of, variables_of
from worldvae.envs.vector import SeededVectorEnv
from worldvae.envs.workers import WorkerVectorEnv
from worldvae.envs.wrappers import (
    ActionRepeat,
    BlackFrame,
    FrameObservation,
    GiveUp,
    SteerThrottle,
)

REGISTERED_BY = {
    "ALE/": "ale_py",
    "MiniGrid-": "minigrid",
    "BabyAI-": "minigrid",
    "Vizdoom": "vizdoom.gymnasium_wrapper",
}


def make_env(config: EnvConfig) -> gym.Env[Any, Any]:
    """One environment whose observation is a frame (H, W, C) uint8, or a Dict that holds one.

    Raises UserError for an unknown id, arguments the environment refuses, or no pixels to see.
    """
    spec = find_spec(config)
    env = _make_raw(spec, config)
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
    check_space(env.action_space)
    if config.pixels == "none":
        return BlackFrame(env, config.frame, config.image_key)
    render = config.pixels == "render" or _must_render(config, env.observation_space)
    if render and env.render_mode != "rgb_array":
        raise UserError(f"{config.id} observes no image and has no render_mode 'rgb_array'")
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
        from worldvae.envs.ale import AleVectorEnv

        return SeededVectorEnv(AleVectorEnv(config, spec, num_envs), seed, config.frame)
    if backend == "envpool":
        from worldvae.envs.envpool import EnvPoolVectorEnv

        return SeededVectorEnv(EnvPoolVectorEnv(config, num_envs, seed), None, config.frame)
    return SeededVectorEnv(_gymnasium_vec(config, num_envs), seed, config.frame)


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
    env = _make_raw(spec, config)
    try:
        reader = find_reader(spec.id)
        if reader is None:
            return ()
        env.reset(seed=0)
        return variables_of(kinds_of(reader(env.unwrapped), spec.id))
    finally:
        env.close()


def shows_state(config: EnvConfig) -> bool:
    """Whether the backend lets a reader see the environment; those in C++ do not."""
    return choose_backend(config, find_spec(config)) == "gymnasium"


def choose_backend(config: EnvConfig, spec: gym.envs.registration.EnvSpec) -> str:
    """The backend that `config.backend` names; for "auto" the fastest that plays the same game."""
    from worldvae.envs import ale, envpool

    refusals = {"ale": ale.refusal(config, spec), "envpool": envpool.refusal(config, spec)}
    if config.backend == "auto":
        fitting = [name for name, refused in refusals.items() if refused is None]
        return fitting[0] if fitting else "gymnasium"
    refused = refusals.get(config.backend)
    if refused is not None:
        raise UserError(f"env.backend = {config.backend!r}: {refused}; use auto or gymnasium")
    return config.backend


def find_spec(config: EnvConfig) -> gym.envs.registration.EnvSpec:
    """Gymnasium's registration of `config.id`, after importing what registers it."""
    if config.import_ is not None:
        _import(config.import_)
    for prefix, module in REGISTERED_BY.items():
        if config.id.startswith(prefix):
            _import(module)
    try:
        return gym.spec(config.id)
    except gym.error.Error as error:
        reason = " ".join(str(error).replace("`", "").split())
        raise UserError(
            f"env.id = {config.id!r}: {reason} Your own environment needs env.import, "
            "the module that registers it."
        ) from None


def _import(module: str) -> None:
    try:
        importlib.import_module(module)
    except Exception as error:  # noqa: BLE001  # a user's module may fail in any way
        reason = f"{type(error).__name__}: {error}"
        raise UserError(f"cannot import {module!r}, needed for env.id: {reason}") from None


def _make_raw(spec: gym.envs.registration.EnvSpec, config: EnvConfig) -> gym.Env[Any, Any]:
    # MiniGrid, MuJoCo and most others render only in the mode chosen when they are made.
    arguments = {"render_mode": "rgb_array", **config.kwargs}
    if config.pixels in {"observation", "none"}:
        arguments = config.kwargs
    try:
        return gym.make(spec, max_episode_steps=config.max_episode_steps, **arguments)
    except Exception as error:  # noqa: BLE001  # a user's constructor may fail in any way
        reason = " ".join(str(error).split())
        hint = "; if it shows images by itself, set env.pixels: observation"
        raise UserError(
            f"env.id = {config.id!r} cannot be made: {type(error).__name__}: {reason}"
            f"{hint if 'render' in reason else ''}"
        ) from None


def _must_render(config: EnvConfig, space: gym.Space[Any]) -> bool:
    """Whether the observation holds no image. Raises UserError if it was said to hold one."""
    if isinstance(space, spaces.Dict):
        has_image = config.image_key is not None
    else:
        has_image = isinstance(space, spaces.Box) and _is_image(space)
    if config.pixels == "observation" and not has_image:
        raise UserError(f"env.pixels = 'observation', but {config.id} observes {space}; use render")
    return not has_image


def _is_image(space: spaces.Box) -> bool:
    is_flat = len(space.shape) == 2
    return space.dtype == "uint8" and (
        is_flat or (len(space.shape) == 3 and space.shape[2] in (1, 3))
    )


class _MakeOne:
    """Picklable constructor for worker processes."""

    def __init__(self, config: EnvConfig) -> None:
        self.config = config

    def __call__(self) -> gym.Env[Any, Any]:
        cv2.setNumThreads(1)  # N workers with a thread pool each would fight for the cores
        return make_env(self.config)


def _gymnasium_vec(config: EnvConfig, num_envs: int) -> VectorEnv[Any, Any, Any]:
    makers = [_MakeOne(config)] * num_envs
    makers[0]().close()  # a mistake is told here, in one line, and not from inside a worker
    if config.workers == "sync" or num_envs == 1:
        return SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)
    return WorkerVectorEnv(makers)
