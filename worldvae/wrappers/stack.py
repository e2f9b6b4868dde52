"""A vector wrapper that replaces observations by those of an observer, final ones included."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from worldvae.envs.observations import with_image
from worldvae.envs.state import STATE
from worldvae.envs.vector import (
    autoreset_mode_of,
    final_observations,
    image_space,
    replace_image_space,
)
from worldvae.wrappers.observer import Moment, Observer


class ObservedVectorEnv(VectorWrapper):  # no generic class before Gymnasium 1.4
    """Replaces the observations of N environments by those that `observer` computes from them.

    Final observations are replaced too, so that an agent can bootstrap from them. In a Dict only
    the image under `image_key` is replaced. A stack never holds observations of two episodes, in
    each of the three autoreset modes:

    - SAME_STEP: the step that ends an episode returns the first observation of the next one, and
      `info["final_obs"]` holds the last observation of the episode that ended.
    - NEXT_STEP, Gymnasium's default: the step that ends an episode returns its last observation,
      and the step after it ignores the action and returns the first observation of the next one.
    - DISABLED: `reset(options={"reset_mask": (N,) bool})` begins episodes.
    """

    def __init__(
        self, env: VectorEnv[Any, Any, Any], observer: Observer, image_key: str | None = None
    ) -> None:
        super().__init__(env)
        self.observer = observer
        self._ended = np.zeros(env.num_envs, bool)
        self._mode = autoreset_mode_of(env)
        self._image_key = image_key
        observer.forget()
        self.single_observation_space = observed_space(
            env.single_observation_space, observer, image_key
        )
        self.observation_space = batch_space(self.single_observation_space, env.num_envs)

    @property
    def autoreset_mode(self) -> AutoresetMode:
        """The autoreset mode of the wrapped environments."""
        return self._mode

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> Any:
        all_envs = np.ones(self.num_envs, bool)
        episode_start = np.array((options or {}).get("reset_mask", all_envs))
        # A copy: Gymnasium removes the mask, which a wrapper around this one may read after it.
        given = None if options is None else dict(options)
        obs, info = self.env.reset(seed=seed, options=given)
        self._ended[episode_start] = False
        moment = Moment.of(obs, self._image_key, state=info.get(STATE))
        return self._shown(obs, self.observer.begin(moment, episode_start)), info

    def step(self, actions: Any) -> Any:
        obs, rewards, terminated, truncated, info = self.env.step(actions)
        episode_start = self._episode_starts(terminated | truncated)
        ended, finals = final_observations(info, self.num_envs)
        moment = Moment.of(obs, self._image_key, np.asarray(actions), info.get(STATE))
        last = self._last(finals, ended, info, moment.actions) if len(ended) else None
        stacks, final_stacks = self.observer.step(moment, episode_start, last, ended)
        if len(ended):
            info = {**info, "final_obs": info["final_obs"].copy()}
            for index, final, stack in zip(ended, finals, final_stacks, strict=True):
                info["final_obs"][index] = self._shown(final, stack)
        return self._shown(obs, stacks), rewards, terminated, truncated, info

    def _episode_starts(self, ended: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which environments show the first observation of an episode in this step: (N,).

        `ended` (N,) is true where this step has ended an episode.
        """
        before, self._ended = self._ended, ended
        if self._mode is AutoresetMode.SAME_STEP:
            return ended
        return before if self._mode is AutoresetMode.NEXT_STEP else np.zeros_like(ended)

    def _last(
        self, finals: list[Any], ended: NDArray[np.intp], info: dict[str, Any], actions: Any
    ) -> Moment:
        """Return the final output of the E environments `ended`."""
        state = info.get("final_info", {}).get(STATE)
        last_state = None if state is None else state[ended]
        return Moment.of_each(finals, self._image_key, actions[ended], last_state)

    def _shown(self, observation: Any, stack: NDArray[Any]) -> Any:
        return observed(observation, self.observer, self._image_key, stack)


def observed(
    observation: Any, observer: Observer, image_key: str | None, stack: NDArray[Any]
) -> Any:
    """Return what a policy observes in place of `observation`.

    This is the stack, with the other keys of a Dict if the observer shows them.
    """
    key = image_key if observer.shows_other_keys else None
    return with_image(observation, key, stack)


def observed_space(
    space: gym.Space[Any], observer: Observer, image_key: str | None
) -> gym.Space[Any]:
    """Return the space of the results of `observed` for observations of `space`."""
    if not observer.shows_other_keys:
        return observer.space(space)
    box = observer.space(image_space(space, image_key))
    return replace_image_space(space, image_key, box)
