"""The seam between worldvae and an environment that somebody else wrote.

What the environment hands out is its own, and what it is handed stays ours: arrays are copied both
ways, infos are reduced to what worldvae reads, and what breaks Gymnasium's contract is one line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs

from worldvae.config import UserError
from worldvae.envs.actions import EnvActions, agent_space
from worldvae.envs.user_code import failure, in_user_code
from worldvae.envs.wrappers import Reset, Step

FLAG = (bool, int, float, np.bool_, np.number)

STEP = (
    "step() has to return (observation, reward, terminated, truncated, info): Gym's old four "
    "values do not tell whether an episode ended by itself or was cut"
)

SUCCESS = "is_success"
"""The one key of an environment's infos that is read: whether its episode reached the goal."""


class Isolation(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """The environment as it is, but for what would be silently wrong later.

    - Observations, also of `render()`, are copies in the type that their space says; keys that the
      space does not name are left out.
    - Actions are those of `agent_space`; the environment is given a copy in its own space.
    - Infos hold `is_success` and nothing else.
    - Raises UserError for whatever the environment raises, for a `step` or `reset` that does not
      give what Gymnasium asks for, and for a reward that is no finite number.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self.env_action_space = env.action_space
        self.action_space = agent_space(env.action_space)
        self._own_action = EnvActions(env.action_space)
        self._space = env.observation_space
        self._name = env.spec.id if env.spec else str(env.unwrapped)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Reset:
        with in_user_code(f"{self._name}: reset() failed"):
            given = self.env.reset(seed=seed, options=options)
        if not (isinstance(given, tuple) and len(given) == 2):
            raise self._broken("reset() has to return (observation, info)")
        return self._copied(given[0], "reset()"), self._kept(given[1])

    def step(self, action: Any) -> Step:
        given = self._stepped(self._own_action(action))
        if not (isinstance(given, tuple) and len(given) == 5):
            raise self._broken(STEP)
        obs, reward, terminated, truncated, info = given
        copy, number = self._copied(obs, "step()"), self._number(reward)
        return copy, number, bool(terminated), bool(truncated), self._kept(info)

    def render(self) -> Any:
        with in_user_code(f"{self._name}: render() failed"):
            frame = self.env.render()
        return np.array(frame) if isinstance(frame, np.ndarray) else frame

    def _stepped(self, action: Any) -> Any:
        try:  # not `in_user_code`, which would take a tenth of a fast environment's step
            return self.env.step(action)
        except (Exception, SystemExit) as error:
            if isinstance(error, ValueError) and "values to unpack" in str(error):
                raise self._broken(STEP) from error  # by a wrapper of Gymnasium's around it
            raise failure(f"{self._name}: step() failed", error) from error

    def _broken(self, words: str) -> UserError:
        return UserError(f"{self._name}: {words}")

    def _number(self, reward: Any) -> float:
        if type(reward) is float and math.isfinite(reward):
            return reward
        try:
            numbers = np.asarray(reward, np.float64)  # also of one in an array
        except (TypeError, ValueError):
            numbers = np.empty(0)
        if numbers.size != 1 or not np.isfinite(numbers).all():
            raise self._broken(f"step() gave the reward {reward!r}; it has to be a finite number")
        return float(numbers.item())

    def _copied(self, observation: Any, giver: str) -> Any:
        try:
            return copy_into(self._space, observation)
        except ValueError as error:
            raise self._broken(f"{giver}: {error}") from None

    @staticmethod
    def _kept(info: Any) -> dict[str, Any]:
        if not isinstance(info, dict) or SUCCESS not in info:
            return {}
        success = info[SUCCESS]
        return {SUCCESS: bool(success)} if isinstance(success, FLAG) and success in {0, 1} else {}


def copy_into(space: spaces.Space[Any], value: Any, name: str = "the observation") -> Any:
    """A copy of `value` in the type that `space` says, without keys that it does not name.

    Raises ValueError for a key that is missing, and for a shape or a type that the space does not
    have; numbers of another type are taken where they are the same in that of the space.
    """
    if isinstance(space, spaces.Dict):
        if not isinstance(value, Mapping):
            raise ValueError(f"{name} is {type(value).__name__}, its space is a Dict")
        if missing := [key for key in space.spaces if key not in value]:
            raise ValueError(f"{name} lacks {', '.join(missing)}, which its space names")
        return {
            key: copy_into(part, value[key], f"{name}'s {key}")
            for key, part in space.spaces.items()
        }
    if not isinstance(space, spaces.Box):
        return deepcopy(value)
    given = np.asarray(value)
    if given.dtype == space.dtype and given.shape == space.shape:
        return given.copy()
    if given.shape != space.shape:
        raise ValueError(f"{name} has the shape {given.shape}, its space says {space.shape}")
    copy = given.astype(space.dtype)
    if not (np.can_cast(given.dtype, space.dtype, "same_kind") or np.array_equal(copy, given)):
        raise ValueError(f"{name} is {given.dtype}, its space says {space.dtype}")
    return copy
