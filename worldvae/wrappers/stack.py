"""The last k observations of N environments as one, final observations included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from worldvae.envs.vector import (
    autoreset_mode_of,
    final_observations,
    image_of,
    replace_image_space,
    with_image,
)
from worldvae.errors import ConfigError
from worldvae.wrappers.history import History, stacked_space

NO_ONE = np.empty(0, np.intp)


class StackedVectorObservation(VectorWrapper):  # no generic class before Gymnasium 1.4
    """The last `stack` observations of N environments joined along the last axis.

    Also of final observations, so that an agent may bootstrap from them. Of a Dict only the
    image is stacked. A stack holds one episode, however `env` goes on to the next:

    - SAME_STEP: the step that ends an episode shows the first observation of the next one, and
      `info["final_obs"]` the last of the one that ended.
    - NEXT_STEP, Gymnasium's default: that step shows the last observation, the one after it the
      first of the next episode, whatever the action.
    - DISABLED: `reset(options={"reset_mask": (N,) bool})` begins episodes.
    """

    def __init__(
        self, env: VectorEnv[Any, Any, Any], stack: int = 4, image_key: str | None = None
    ) -> None:
        super().__init__(env)
        self._over = np.zeros(env.num_envs, bool)
        self._mode = autoreset_mode_of(env)
        self._stack, self._image_key = stack, image_key
        self._forget()
        space = stacked_space(self._feature_space(), stack)
        self.single_observation_space = self._joined_space(env.single_observation_space, space)
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)

    @property
    def autoreset_mode(self) -> AutoresetMode:
        """That of the environments it stacks, as in its metadata."""
        return self._mode

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> Any:
        # Read first: Gymnasium takes the mask out of the options.
        everyone = np.ones(self.num_envs, bool)
        episode_start = np.array((options or {}).get("reset_mask", everyone))
        obs, info = self.env.reset(seed=seed, options=options)
        self._over[episode_start] = False
        return self._join(
            obs, self._begin(self._features(obs, info, episode_start), episode_start)
        ), info

    def step(self, actions: Any) -> Any:
        obs, rewards, terminated, truncated, info = self.env.step(actions)
        episode_start = self._episode_starts(terminated | truncated)
        ended, finals = final_observations(info, self.num_envs)
        newest = self._features(obs, info, episode_start)
        final = self._last_features(finals, ended, info) if len(ended) else []
        stacks, last = self._advance(newest, episode_start, final, ended)
        if len(ended):
            info = {**info, "final_obs": info["final_obs"].copy()}
            for index, final, stack in zip(ended, finals, last, strict=True):
                info["final_obs"][index] = self._join(final, stack)
        return self._join(obs, stacks), rewards, terminated, truncated, info

    def _episode_starts(self, over: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Who is shown the first observation of an episode in the step that `over` is of: (N,)."""
        before, self._over = self._over, over
        if self._mode is AutoresetMode.SAME_STEP:
            return over
        return before if self._mode is AutoresetMode.NEXT_STEP else np.zeros_like(over)

    def _features(
        self, obs: Any, info: dict[str, Any], episode_start: NDArray[np.bool_]
    ) -> NDArray[Any]:
        """Of a step, what is stacked: (N, ..., D)."""
        return image_of(obs, self._image_key)

    def _last_features(
        self, finals: list[Any], ended: NDArray[np.intp], info: dict[str, Any]
    ) -> list[NDArray[Any]]:
        """The same of the final observations of the E environments `ended`: E of (..., D)."""
        return [image_of(final, self._image_key) for final in finals]

    def _join(self, observation: Any, stack: NDArray[Any]) -> Any:
        """What the agent is given in the place of `observation`."""
        return with_image(observation, self._image_key, stack)

    def _joined_space(self, space: gym.Space[Any], stack: spaces.Box) -> gym.Space[Any]:
        """As `_join`, of the space."""
        return replace_image_space(space, self._image_key, stack)

    def _feature_space(self) -> spaces.Box:
        space = self.env.single_observation_space
        if isinstance(space, spaces.Dict) and self._image_key is not None:
            space = space[self._image_key]
        if not isinstance(space, spaces.Box):
            raise ConfigError(f"expected observations of one Box, this environment has {space}")
        return space

    def _forget(self) -> None:
        self._history = History(self._stack)

    def _begin(self, frames: NDArray[Any], episode_start: NDArray[np.bool_]) -> NDArray[Any]:
        """What the agent sees after a reset of `episode_start`: (N, ..., D) -> (N, ..., k D)."""
        return self._history.begin(frames, episode_start)

    def _advance(
        self,
        frames: NDArray[Any],
        episode_start: NDArray[np.bool_],
        last_frames: Sequence[NDArray[Any]],
        ended: NDArray[np.intp],
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """What the agent sees of a step, and of the E episodes that it ended their last.

        frames (N, ..., D), episode_start (N,): who begins an episode, last_frames E of (..., D),
        ended (E,): whose they are -> (N, ..., k D), (E, ..., k D).
        """
        last = self._history.with_last(np.stack(last_frames), ended) if len(ended) else frames[:0]
        return self._history.push(frames, episode_start), last
