"""CarRacing in C++ through envpool, with the autoreset, actions and frames of our contract."""

from __future__ import annotations

import importlib.util
import warnings
from typing import Any

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

# Only what was compared with Gymnasium's own: same rules, same frames, same returns.
COMPARED = {"CarRacing-v3"}


def refusal(config: EnvConfig, spec: EnvSpec) -> str | None:
    """Why this backend cannot play `config`'s game, or None."""
    if spec.id not in COMPARED:
        return f"only {', '.join(sorted(COMPARED))} was compared with Gymnasium's own"
    if config.kwargs or config.pixels == "render":
        return "it takes no env.kwargs and does not render"
    if importlib.util.find_spec("envpool") is None:
        return "it is not installed: pip install 'worldvae[fast]'"
    return None


class EnvPoolVectorEnv(VectorEnv[NDArray[np.uint8], NDArray[Any], NDArray[Any]]):
    """envpool resets an ended environment on the step after; this one does it on the same step."""

    def __init__(self, config: EnvConfig, num_envs: int, seed: int) -> None:
        self._config = config
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self._pool = self._make_pool(self._seeds(seed))
        self._idle = np.zeros(num_envs, np.int64)
        self.single_observation_space = spaces.Box(0, 255, config.frame.shape, np.uint8)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        mapped = config.has_steer_throttle
        self.single_action_space = STEER_THROTTLE if mapped else self._pool.action_space
        self.action_space = batch_space(self.single_action_space, num_envs)

    def _make_pool(self, seeds: list[int]) -> Any:
        import envpool

        limit = self._config.max_episode_steps
        options = {} if limit is None else {"max_episode_steps": limit}
        with warnings.catch_warnings():  # its float64 bounds are cast to float32, rightly
            warnings.simplefilter("ignore", UserWarning)
            return envpool.make(
                self._config.id,
                env_type="gymnasium",
                num_envs=self.num_envs,
                env_seed=seeds,
                **options,
            )

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Start every episode anew. envpool seeds a pool when it is made, so a seed makes one."""
        if seed is not None:
            self._pool.close()
            self._pool = self._make_pool(self._seeds(seed))
        obs = self._blank()
        self._reset(np.arange(self.num_envs), obs)
        return obs, {}

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[np.uint8], NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        actions = self._mapped(actions)
        obs = self._blank()
        rewards = np.zeros(self.num_envs)
        terminated, truncated = np.zeros((2, self.num_envs), bool)
        running = np.arange(self.num_envs)
        for left in reversed(range(self._config.action_repeat)):
            frames, reward, done, cut, info = self._pool.step(
                actions[running], running.astype(np.int32)
            )
            # The pool answers in the order in which its threads finish.
            who = info["env_id"]
            rewards[who] += reward
            self._idle[who] = np.where(reward > 0, 0, self._idle[who] + 1)
            terminated[who], truncated[who] = done, cut | (self._gave_up(who) & ~done)
            over = terminated[who] | truncated[who]
            shown = over if left else np.ones(len(who), bool)
            obs[who[shown]] = preprocess_batch(frames[shown], self._config.frame)
            running = np.sort(who[~over])
            if not len(running):
                break
        ended = terminated | truncated
        last = obs[ended]
        if len(last):
            self._reset(np.flatnonzero(ended), obs)
        return obs, rewards, terminated, truncated, final_info(last, ended)

    def close_extras(self, **kwargs: Any) -> None:
        self._pool.close()

    def _seeds(self, seed: Any) -> list[int]:
        """One seed per environment; an int counts up from the first, as in Gymnasium."""
        return list(seed) if isinstance(seed, list) else [seed + i for i in range(self.num_envs)]

    def _reset(self, which: NDArray[np.intp], obs: NDArray[np.uint8]) -> None:
        """Begin an episode in each of `which`, and put its first frame into `obs` (N, H, W, C)."""
        frames, info = self._pool.reset(which.astype(np.int32))
        obs[info["env_id"]] = preprocess_batch(frames, self._config.frame)
        self._idle[which] = 0

    def _blank(self) -> NDArray[np.uint8]:
        return np.empty((self.num_envs, *self._config.frame.shape), np.uint8)

    def _gave_up(self, who: NDArray[np.int32]) -> NDArray[np.bool_]:
        patience = self._config.give_up_after
        return np.zeros(len(who), bool) if patience is None else self._idle[who] >= patience

    def _mapped(self, actions: NDArray[Any]) -> NDArray[np.float32]:
        actions = np.asarray(actions, np.float32)
        return steer_throttle(actions) if self._config.has_steer_throttle else actions
