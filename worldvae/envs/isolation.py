"""A wrapper that keeps an environment of any origin from doing silent damage.

Arrays are copied in both directions, so that the environment may reuse its own, and the random
numbers that it draws are its own. Infos are reduced to the key that worldvae reads. A break of
Gymnasium's contract raises an error of one line.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from worldvae.envs.actions import EnvActions, agent_space
from worldvae.envs.own_numbers import numbers_to_play
from worldvae.envs.user_code import in_user_code, is_unpacked_by_gymnasium, name_of, user_error
from worldvae.envs.wrappers import Reset, Step
from worldvae.errors import ConfigError, WorldvaeError

STEP = (
    "step() has to return (observation, reward, terminated, truncated, info): Gym's old four "
    "values do not tell whether an episode ended by itself or was cut"
)

SUCCESS = "is_success"
"""The only key of an environment's infos that is read: whether the episode reached its goal."""

LARGEST_REWARD = 1e15
"""The largest absolute reward: returns, and their squares in float32, have to stay finite."""


class Isolation(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Wraps an environment so that its mistakes raise errors and its arrays are never shared.

    - Observations and rendered frames are copies. Observations have the type of their space, and
      keys that the space does not name are left out.
    - Actions are those of `agent_space`; the environment gets a copy in its own action space.
    - What it draws from `random`, `numpy.random` or torch is its own, see `numbers_to_play`.
    - Infos hold `is_success`, if the environment sets it, and no other key.
    - Raises ConfigError for any error of the environment, for a `step` or `reset` that does not
      return what Gymnasium requires, for a reward that is not finite, and for an action space
      that a reset changes.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self._name = name_of(env)
        with in_user_code(f"{self._name}: its spaces cannot be read"):
            self._space, self.env_action_space = env.observation_space, env.action_space
        try:
            self.action_space = agent_space(self.env_action_space)
        except WorldvaeError as error:
            raise self._error(str(error)) from None
        self._own_action = EnvActions(self.env_action_space)
        self._numbers = numbers_to_play()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Reset:
        if seed is not None:
            self._numbers.seed(seed)
        with in_user_code(f"{self._name}: reset() failed"), self._numbers:
            returned = self.env.reset(seed=seed, options=options)
        if not (isinstance(returned, tuple) and len(returned) == 2):
            raise self._error("reset() has to return (observation, info)")
        self._check_actions()
        return self._copied(returned[0], "reset()"), self._reduced(returned[1])

    def step(self, action: Any) -> Step:
        returned = self._stepped(self._own_action(action))
        if not (isinstance(returned, tuple | list) and len(returned) == 5):
            raise self._error(STEP)
        obs, reward, terminated, truncated, info = returned
        return (
            self._copied(obs, "step()"),
            self._reward(reward),
            self._flag(terminated, "terminated"),
            self._flag(truncated, "truncated"),
            self._reduced(info),
        )

    def close(self) -> None:
        """Close the environment; an error is only a warning, since all work with it is done."""
        try:
            with self._numbers:
                super().close()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # user code may raise anything
            warnings.warn(str(user_error(f"{self._name}: close() failed", error)), stacklevel=2)

    def render(self) -> Any:
        with in_user_code(f"{self._name}: render() failed"), self._numbers:
            frame = self.env.render()
        return np.array(frame) if isinstance(frame, np.ndarray) else frame

    def _stepped(self, action: Any) -> Any:
        try:  # not `in_user_code`, which would take a tenth of a fast environment's step
            with self._numbers:
                return self.env.step(action)
        except (Exception, SystemExit) as error:
            if is_unpacked_by_gymnasium(error):
                raise self._error(STEP) from error
            raise user_error(f"{self._name}: step() failed", error) from error

    def _check_actions(self) -> None:
        """Raise ConfigError if the action space is another one than agents were made for."""
        now = self.env.action_space
        if now is not self.env_action_space and now != self.env_action_space:
            raise self._error(
                f"reset() changed its action space from {self.env_action_space} to {now}, and an "
                "agent acts in one; let it have the actions of all episodes from the start"
            )

    def _error(self, message: str) -> ConfigError:
        return ConfigError(f"{self._name}: {message}")

    def _reward(self, reward: Any) -> float:
        number = reward if type(reward) is float else single_number(reward)
        if number is None or not abs(number) <= LARGEST_REWARD:  # nor NaN
            raise self._error(
                f"step() gave the reward {reward!r}; it has to be a finite number, of at most "
                f"{LARGEST_REWARD:g}"
            )
        return number

    def _flag(self, value: Any, name: str) -> bool:
        if type(value) is bool:
            return value
        number = single_number(value)
        if number not in {0.0, 1.0}:
            raise self._error(f"step() gave {name} = {value!r}; it has to be True or False")
        return bool(number)

    def _copied(self, observation: Any, source: str) -> Any:
        try:
            return copy_into(self._space, observation)
        except Exception as error:  # noqa: BLE001  # numpy may raise anything for a wrong type
            raise self._error(f"{source}: {error}") from None

    @staticmethod
    def _reduced(info: Any) -> dict[str, Any]:
        if not isinstance(info, Mapping) or SUCCESS not in info:
            return {}
        success = single_number(info[SUCCESS])
        return {SUCCESS: bool(success)} if success in {0.0, 1.0} else {}


def single_number(value: Any) -> float | None:
    """Return `value`, a number or an array of one number, as a float; None for anything else."""
    try:
        numbers = np.asarray(value)
    except Exception:  # noqa: BLE001  # a tensor, for example, may raise anything
        return None
    if numbers.size != 1 or numbers.dtype.kind not in "biuf":
        return None
    return float(numbers.item())


def copy_into(space: spaces.Space[Any], value: Any, name: str = "the observation") -> Any:
    """Return a copy of `value` in the type of `space`, without keys that `space` does not name.

    Raises ValueError for a missing key, for another shape than that of the space, and for numbers
    that the type of the space cannot hold or that are not among its choices.
    """
    if isinstance(space, spaces.Dict):
        if not isinstance(value, Mapping):
            raise ValueError(f"{name} is {type(value).__name__}, its space is a Dict")
        if missing := [key for key in space.spaces if key not in value]:
            raise ValueError(f"{name} lacks {', '.join(map(str, missing))}, which its space names")
        return {
            key: copy_into(part, value[key], f"{name}'s {key}")
            for key, part in space.spaces.items()
        }
    if not isinstance(space, NUMBERS):
        return value  # no policy observes it, see `KeyEncoding`
    given = np.asarray(value)
    if isinstance(space, spaces.Box) and given.dtype == space.dtype and given.shape == space.shape:
        return given.copy()
    if given.shape != space.shape:
        raise ValueError(f"{name} has the shape {given.shape}, its space says {space.shape}")
    copy = _converted(given, space, name)
    if not (isinstance(space, spaces.Box) or space.contains(copy)):
        raise ValueError(f"{name} is {given}, its space says {space}")
    return copy


NUMBERS = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


def _converted(given: NDArray[Any], space: spaces.Space[Any], name: str) -> NDArray[Any]:
    """Return `given` in the type of `space`; raise ValueError if that changes a number.

    Floats may be rounded, but a finite float has to stay finite.
    """
    assert space.dtype is not None
    if given.dtype.kind not in "biuf":
        raise ValueError(f"{name} is {given.dtype}, its space says {space.dtype}")
    with np.errstate(all="ignore"):
        copy = given.astype(space.dtype)
    if space.dtype.kind == "f":
        same = np.array_equal(np.isfinite(copy), np.isfinite(given))
    else:
        same = np.array_equal(copy, given)
    if not same:
        raise ValueError(
            f"{name} is {given.dtype} with values such as {given.ravel()[0]}, its space says "
            f"{space.dtype}"
        )
    return copy
