"""CarRacing in C++ through envpool, with the autoreset, actions and frames of `make_vec`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from worldvae.envs.config import EnvConfig
from worldvae.envs.frames import preprocess_batch
from worldvae.envs.vector import final_info
from worldvae.envs.wrappers import STEER_THROTTLE, steer_throttle
from worldvae.errors import ConfigError
from worldvae.extras import import_extra, not_installed
from worldvae.machine import usable_cores

T = TypeVar("T")

# Ids whose rules, frames and returns were compared with those of Gymnasium's own environment.
COMPARED = {"CarRacing-v3"}


def refusal(config: EnvConfig, spec: EnvSpec) -> str | None:
    """Return why this backend cannot play the environment; None if it can."""
    if spec.id not in COMPARED:
        return f"only {', '.join(sorted(COMPARED))} was compared with Gymnasium's own"
    if config.kwargs or config.pixels in {"render", "none"}:
        return "it takes no env.kwargs and does not render"
    if config.frame.max_pool:
        return "it pools no frames"
    return not_installed("envpool")


class EnvPoolVectorEnv(VectorEnv[NDArray[np.uint8], NDArray[Any], NDArray[Any]]):
    """Steps CarRacing in envpool with SAME_STEP autoreset; envpool itself has NEXT_STEP.

    The environments are divided among as many pools as there are usable cores. A thread for each
    pool steps it and resizes its frames, since with a single one the cores would be idle meanwhile.
    """

    def __init__(self, config: EnvConfig, spec: EnvSpec, num_envs: int, seed: int) -> None:
        self._config, self._spec = config, spec
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        groups = min(usable_cores(), num_envs)
        self._threads = ThreadPoolExecutor(groups, thread_name_prefix="envpool")
        edges = [num_envs * group // groups for group in range(groups + 1)]
        self._shares = [slice(*share) for share in pairwise(edges)]
        self._pools = self._make_pools(seed)
        self.single_observation_space = spaces.Box(0, 255, config.frame.shape, np.uint8)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        mapped = config.has_steer_throttle
        self.single_action_space = STEER_THROTTLE if mapped else self._pools[0].action_space
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Begin an episode in each environment.

        A seed makes new pools, since envpool takes seeds only then.
        """
        if "reset_mask" in (options or {}):
            raise ConfigError("envpool resets all environments at once: env.backend: gymnasium")
        if seed is not None:
            self._close_pools()
            self._pools = self._make_pools(seed)
        obs = self._empty_frames()
        self._each(lambda pool, share: pool.reset(obs[share]))
        return obs, {}

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[np.uint8], NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        actions = self._mapped(actions)
        obs, rewards = self._empty_frames(), np.zeros(self.num_envs)
        terminated, truncated = np.zeros((2, self.num_envs), bool)

        def act(pool: _Pool, share: slice) -> NDArray[np.uint8]:
            step = PoolStep(obs[share], rewards[share], terminated[share], truncated[share])
            return pool.step(actions[share], step)

        last = np.concatenate(self._each(act))
        return obs, rewards, terminated, truncated, final_info(last, terminated | truncated)

    def close_extras(self, **kwargs: Any) -> None:
        self._close_pools()
        self._threads.shutdown()

    def _each(self, act: Callable[[_Pool, slice], T]) -> list[T]:
        """Call `act` in parallel for each pool and its share of the environments."""
        return list(self._threads.map(act, self._pools, self._shares))

    def _make_pools(self, seed: Any) -> list[_Pool]:
        """Make the pools with one seed per environment; an int counts up, as in Gymnasium."""
        seeds = seed if isinstance(seed, list) else [seed + i for i in range(self.num_envs)]
        return [_Pool(self._config, self._spec, seeds[share]) for share in self._shares]

    def _close_pools(self) -> None:
        for pool in self._pools:
            pool.close()

    def _empty_frames(self) -> NDArray[np.uint8]:
        return np.empty((self.num_envs, *self._config.frame.shape), np.uint8)

    def _mapped(self, actions: NDArray[Any]) -> NDArray[np.float32]:
        actions = np.asarray(actions, np.float32)
        return steer_throttle(actions) if self._config.has_steer_throttle else actions


class PoolStep(NamedTuple):
    """The results of a step of n environments, arrays that a pool fills in place."""

    obs: NDArray[np.uint8]
    """(n, H, W, C)."""
    rewards: NDArray[np.float64]
    """(n,)."""
    terminated: NDArray[np.bool_]
    """(n,)."""
    truncated: NDArray[np.bool_]
    """(n,)."""


class _Pool:
    """A pool of environments that one thread steps, with one seed for each of them."""

    def __init__(self, config: EnvConfig, spec: EnvSpec, seeds: list[int]) -> None:
        envpool = import_extra("env.backend = envpool", "envpool")
        self._config = config
        self._idle = np.zeros(len(seeds), np.int64)
        limit = config.max_episode_steps
        options = {} if limit is None else {"max_episode_steps": limit}
        with warnings.catch_warnings():  # it warns that float64 bounds are cast to float32
            warnings.simplefilter("ignore", UserWarning)
            self._pool = envpool.make(
                spec.id,  # of an id without a version, which envpool does not know
                env_type="gymnasium",
                num_envs=len(seeds),
                num_threads=1,
                env_seed=seeds,
                **options,
            )

    @property
    def action_space(self) -> spaces.Space[Any]:
        """The action space of one environment."""
        space: spaces.Space[Any] = self._pool.action_space
        return space

    def close(self) -> None:
        self._pool.close()

    def reset(self, obs: NDArray[np.uint8]) -> None:
        """Begin an episode in each environment and write the first frames to `obs` (n, H, W, C)."""
        self._reset(np.arange(len(self._idle)), obs)

    def step(self, actions: NDArray[np.float32], step: PoolStep) -> NDArray[np.uint8]:
        """Repeat each action for one decision and fill `step` with its results.

        Returns the final frames of the E episodes that ended: (E, H, W, C).
        """
        running = np.arange(len(actions))
        for left in reversed(range(self._config.action_repeat)):
            frames, reward, done, cut, info = self._pool.step(
                actions[running], running.astype(np.int32)
            )
            # The pool returns results in the order in which its environments finish.
            indices = info["env_id"]
            step.rewards[indices] += reward
            self._idle[indices] = np.where(reward > 0, 0, self._idle[indices] + 1)
            step.terminated[indices] = done
            step.truncated[indices] = cut | (self._gave_up(indices) & ~done)
            ended = step.terminated[indices] | step.truncated[indices]
            shown = ended if left else np.ones(len(indices), bool)
            step.obs[indices[shown]] = preprocess_batch(frames[shown], self._config.frame)
            running = np.sort(indices[~ended])
            if not len(running):
                break
        over = np.flatnonzero(step.terminated | step.truncated)
        last = step.obs[over]
        if len(over):
            self._reset(over, step.obs)
        return last

    def _reset(self, which: NDArray[np.intp], obs: NDArray[np.uint8]) -> None:
        frames, info = self._pool.reset(which.astype(np.int32))
        obs[info["env_id"]] = preprocess_batch(frames, self._config.frame)
        self._idle[which] = 0

    def _gave_up(self, indices: NDArray[np.int32]) -> NDArray[np.bool_]:
        patience = self._config.give_up_after
        return np.zeros(len(indices), bool) if patience is None else self._idle[indices] >= patience
