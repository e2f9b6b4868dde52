"""Steps simulators without any wrapper: an upper limit for everything that is built on them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from worldvae.envs import EnvConfig
from worldvae.envs.make import choose_backend
from worldvae.envs.make_raw import find_spec
from worldvae.errors import ConfigError

Step = Callable[[], object]
"""Takes one random action in every environment."""


def step_bare(env: EnvConfig, num_envs: int, env_steps: int, seed: int) -> int:
    """Make N environments, reset them, take at least `env_steps` random steps; return their number.

    The backend is the one that `env` runs on. Frames keep the simulator's own size unless it
    resizes them itself, actions are not repeated, and nothing is stored.
    """
    with opened(env, num_envs, seed) as step:
        return take(step, num_envs, env_steps)


def take(step: Step, num_envs: int, env_steps: int) -> int:
    """Take at least `env_steps` random steps in `num_envs` environments together.

    Return their number.
    """
    rounds = -(-env_steps // num_envs)
    for _ in range(rounds):
        step()
    return rounds * num_envs


@contextmanager
def opened(env: EnvConfig, num_envs: int, seed: int) -> Iterator[Step]:
    """Yield the step function of N environments that are made, reset, and finally closed."""
    openers = {"envpool": _open_envpool, "ale": _open_ale}
    backend = choose_backend(env, find_spec(env))
    if backend not in openers:
        raise ConfigError(
            f"{env.id} runs on {backend} here, which has no bare stepping to compare with; "
            "for CarRacing: pip install 'worldvae[fast]'"
        )
    vec, step = openers[backend](env, num_envs, seed)
    try:
        yield step
    finally:
        vec.close()


def _open_envpool(env: EnvConfig, num_envs: int, seed: int) -> tuple[Any, Step]:
    import envpool

    with warnings.catch_warnings():  # its float64 bounds are cast to float32, rightly
        warnings.simplefilter("ignore", UserWarning)
        pool = envpool.make(env.id, env_type="gymnasium", num_envs=num_envs, seed=seed)
    generator, space = np.random.default_rng(seed), pool.action_space
    shape = (num_envs, *space.shape)
    pool.reset()
    return pool, lambda: pool.step(
        generator.uniform(space.low, space.high, shape).astype(np.float32)
    )


def _open_ale(env: EnvConfig, num_envs: int, seed: int) -> tuple[Any, Step]:
    from ale_py.vector_env import AtariVectorEnv

    settings = {**find_spec(env).kwargs, **env.kwargs}
    vec = AtariVectorEnv(
        settings["game"],
        num_envs,
        frameskip=settings["frameskip"],
        repeat_action_probability=settings["repeat_action_probability"],
        full_action_space=settings["full_action_space"],
        max_num_frames_per_episode=settings["max_num_frames_per_episode"],
        img_height=env.frame.height,
        img_width=env.frame.width,
        grayscale=env.frame.color == "gray",
        stack_num=1,
        maxpool=False,
        noop_max=0,
        reward_clipping=False,
        use_fire_reset=False,
    )
    space: Any = vec.single_action_space
    generator, actions = np.random.default_rng(seed), int(space.n)
    vec.reset(seed=seed)
    return vec, lambda: vec.step(generator.integers(actions, size=num_envs))
