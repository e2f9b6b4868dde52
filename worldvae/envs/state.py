"""The true state of an environment, which a registered function reads.

Three lines register a reader:

@state_reader("MyEnv-")
def read(env):
    return {"agent.x": env.x, "agent.lives": int(env.lives)}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from worldvae.envs.user_code import in_user_code, name_of
from worldvae.envs.wrappers import Reset, Step
from worldvae.errors import ConfigError
from worldvae.json_files import Content

Reader = Callable[[Any], Mapping[str, Any]]
R = TypeVar("R", bound=Reader)

_READERS: dict[str, Reader] = {}

STATE = "state"
"""The key of the true state in `info` and in a stored episode."""


class StateVariable(Content):
    """One variable of the true state, which is one column of the recorded `state`."""

    name: str
    discrete: bool

    @property
    def group(self) -> str:
        """The part of the name before the dot, "agent" for "agent.x"; "" without a dot."""
        group, dot, _ = self.name.partition(".")
        return group if dot else ""


def state_reader(*prefixes: str) -> Callable[[R], R]:
    """Return a decorator that registers a reader for all Gymnasium ids with one of `prefixes`.

    A reader takes the unwrapped environment and returns its variables by name: a float if the
    variable is continuous, an int, a bool or a numpy integer if it is discrete. A dot in the name
    puts variables into a group ("agent.x"). Names and types have to stay the same in all episodes.
    NaN means that a continuous variable has no value at present, and probes leave such a frame out;
    a discrete variable needs a value of its own for that, such as -1.

    If several prefixes fit an id the longest one counts, and of readers with the same prefix the
    one that was registered last.
    """

    def register(read: R) -> R:
        _READERS.update(dict.fromkeys(prefixes, read))
        return read

    return register


def find_reader(env_id: str) -> Reader | None:
    """Return the reader that is registered for `env_id`, or None."""
    fitting = [prefix for prefix in _READERS if env_id.startswith(prefix)]
    return _READERS[max(fitting, key=len)] if fitting else None


def why_no_state(env_id: str) -> str:
    """Return that rollouts of `env_id` hold no true state, and how they come to hold it."""
    if find_reader(env_id):
        known = f"though {env_id} has a reader: "
    else:
        known = f"and {env_id} no reader: register one (worldvae.envs.state_reader), then "
    return (
        f"the rollouts hold no true state, {known}collect into a new folder (--name) with "
        "rollouts.state: always"
    )


def kinds_of(reading: Mapping[str, Any], env_id: str) -> dict[str, bool]:
    """Return whether each variable in the result of a reader is discrete, by name.

    Raises ConfigError unless the result is a mapping of at least one name to finite numbers.
    """
    if not isinstance(reading, Mapping) or not reading:
        raise ConfigError(
            f"the state reader of {env_id} returned {reading!r}; return {{'name': number, ...}}"
        )
    return {name: _is_discrete(value, name, env_id) for name, value in reading.items()}


def variables_of(kinds: Mapping[str, bool]) -> tuple[StateVariable, ...]:
    """Return the result of `kinds_of` as the columns of `info["state"]`, in the same order."""
    return tuple(StateVariable(name=name, discrete=kind) for name, kind in kinds.items())


class ShowState(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Puts the result of a reader into `info["state"]` at each reset and step: (S,) float64.

    Args:
        env: The environment whose state is read.
        read: The reader; None takes the one that is registered for the environment's id. It is
            not part of the wrapper's spec.

    Raises ConfigError if there is no reader, or if it fails or changes its variables.
    """

    def __init__(self, env: gym.Env[Any, Any], read: Reader | None = None) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self._id = name_of(env)
        found = read or find_reader(self._id)
        if found is None:
            raise ConfigError(f"nothing reads the state of {self._id}")
        self._read = found
        self._kinds: dict[str, bool] | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Reset:
        obs, info = self.env.reset(seed=seed, options=options)
        return obs, {**info, STATE: self._state()}

    def step(self, action: Any) -> Step:
        obs, reward, terminated, truncated, info = self.env.step(action)
        return obs, reward, terminated, truncated, {**info, STATE: self._state()}

    @property
    def variables(self) -> tuple[StateVariable, ...]:
        """The columns of `info["state"]`; empty before the first reset."""
        return variables_of(self._kinds or {})

    def _state(self) -> NDArray[np.float64]:
        with in_user_code(f"the state reader of {self._id} failed"):
            reading = self._read(self.unwrapped)
        kinds = kinds_of(reading, self._id)
        if self._kinds is None:
            self._kinds = kinds
        if list(kinds.items()) != list(self._kinds.items()):
            difference = first_difference(variables_of(self._kinds), variables_of(kinds))
            raise ConfigError(f"the state reader of {self._id}: {difference}")
        return np.array(list(reading.values()), np.float64)


def first_difference(before: tuple[StateVariable, ...], now: tuple[StateVariable, ...]) -> str:
    """Describe the first variable that has changed; "" if all are the same, in the same order."""
    was, is_ = ({v.name: v.discrete for v in variables} for variables in (before, now))
    for name in {**was, **is_}:
        if was.get(name) != is_.get(name):
            return f"{name!r} was {_kind(was, name)}, and is now {_kind(is_, name)}"
    return "" if before == now else "the variables come in another order"


def _kind(kinds: Mapping[str, bool], name: str) -> str:
    return {None: "absent", True: "discrete", False: "continuous"}[kinds.get(name)]


def _is_discrete(value: Any, name: Any, env_id: str) -> bool:
    if isinstance(name, str) and isinstance(value, bool | int | np.bool_ | np.integer):
        return True
    if isinstance(name, str) and isinstance(value, float | np.floating) and not math.isinf(value):
        return False
    raise ConfigError(
        f"the state reader of {env_id}: {name!r} is {value!r}; names are text, values are "
        "finite numbers: return float(...) or int(...)"
    )
