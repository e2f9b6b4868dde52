"""Conversion between the actions of policies and those of environments.

The usual policies choose from Discrete(n), which starts at 0, or from a float Box of one axis. An
environment's own space may start elsewhere, hold whole numbers, or have the shape of a matrix.
`agent_space` is the space that a policy acts in, `EnvActions` converts its actions to those that
the environment takes and rollouts record, and `agent_actions` converts them back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.errors import ConfigError

ActionSpace = spaces.Box | spaces.Discrete

EXACT_IN_FLOAT32 = 2**24
"""The least whole number n for which n + 1 has no float32 of its own."""

UNBOUNDED = 1e9
"""Bounds of this size and above count as no bounds, such as 3.4e38, the largest float32."""


def check_space(space: spaces.Space[Any]) -> ActionSpace:
    """Return `space`; raise ConfigError unless it is Discrete or a Box with usable bounds."""
    if isinstance(space, spaces.Discrete) or (isinstance(space, spaces.Box) and _is_bounded(space)):
        return space
    hint = "; give it one choice for each combination (gymnasium.wrappers.TransformAction)"
    if isinstance(space, spaces.Box):
        hint = "; give its Box the range of real actions, in its class or by TransformAction"
    if isinstance(space, spaces.MultiDiscrete | spaces.MultiBinary):
        hint = "; give it a Box of as many whole numbers (gymnasium.wrappers.TransformAction)"
    raise ConfigError(
        f"actions must be Discrete or a bounded Box, this environment has {space}{hint}"
    )


def is_integer(space: spaces.Box) -> bool:
    """Return whether `space` holds whole numbers or booleans."""
    return space.dtype.kind in "biu"


def agent_space(space: spaces.Space[Any]) -> ActionSpace:
    """Return the space that a policy acts in if the environment's own action space is `space`.

    Discrete(n, start) -> Discrete(n); a Box of any shape and type -> a Box (A,) of floats.
    """
    checked = check_space(space)
    if isinstance(checked, spaces.Discrete):
        return checked if checked.start == 0 else spaces.Discrete(int(checked.n))
    if len(checked.shape) == 1 and not is_integer(checked):
        return checked
    exact = np.abs([checked.low, checked.high]).max() < EXACT_IN_FLOAT32
    whole = np.float32 if exact else np.float64
    dtype: Any = whole if is_integer(checked) else checked.dtype
    low, high = (bound.reshape(-1).astype(dtype) for bound in (checked.low, checked.high))
    return spaces.Box(low, high, dtype=dtype)


class EnvActions:
    """Converts actions of `agent_space(space)` to `space`, each into a new array or number.

    In a Box of whole numbers, numbers are rounded to the nearest. Raises ConfigError for an action
    that is not finite, or that is outside of a space of whole numbers.
    """

    def __init__(self, space: spaces.Space[Any]) -> None:
        self._space = check_space(space)
        self._convert = self._choice if isinstance(self._space, spaces.Discrete) else self._numbers
        self._is_whole = isinstance(self._space, spaces.Box) and is_integer(self._space)
        self._shape, self._type = self._space.shape, self._space.dtype.type

    def __call__(self, action: Any) -> Any:
        """Return one action, converted to `space`."""
        try:
            return self._convert(action)
        except (TypeError, ValueError, OverflowError):  # no number, or not as many as it takes
            expected = agent_space(self._space)
            raise ConfigError(f"action {action}: expected one of {expected}") from None

    def batch(self, actions: NDArray[Any]) -> NDArray[Any]:
        """Return N actions, converted to `space`: (N, ...) -> (N, ...)."""
        return np.stack([self(action) for action in actions])

    def _choice(self, action: Any) -> Any:
        space = self._space
        assert isinstance(space, spaces.Discrete)
        chosen = action.item() if isinstance(action, np.ndarray) else action
        if chosen != int(chosen) or not 0 <= chosen < space.n:
            raise ConfigError(f"action {chosen}: expected 0 to {space.n - 1}")
        return self._type(int(chosen) + space.start)

    def _numbers(self, action: Any) -> Any:
        space, given = self._space, np.asarray(action).reshape(self._shape)
        assert isinstance(space, spaces.Box)
        if not np.isfinite(given).all():
            raise ConfigError(f"action {given}: not all are finite numbers")
        if not self._is_whole:
            return given.astype(self._type)
        whole = np.rint(given)
        if (whole < space.low).any() or (whole > space.high).any():
            raise ConfigError(f"action {given} leaves {space}")
        return whole.astype(self._type)


def agent_actions(actions: NDArray[Any], space: spaces.Space[Any]) -> NDArray[Any]:
    """Convert N actions of `space` back to `agent_space(space)`: (N, ...) -> (N, ...).

    Raises ConfigError if they are none of `space`, such as those of an agent that acts in
    `agent_space(space)` where nothing converts them.
    """
    own, target, given = check_space(space), agent_space(space), np.asarray(actions)
    fraction = given.dtype.kind == "f" and (given != np.rint(given)).any()
    if isinstance(own, spaces.Discrete):
        chosen = given - own.start
        if given.ndim != 1 or fraction or (chosen < 0).any() or (chosen >= own.n).any():
            raise _none_of(own, given)
        return chosen if chosen.dtype.kind in "iu" else chosen.astype(np.int64)
    if (fraction and is_integer(own)) or given.shape[1:] != own.shape:
        raise _none_of(own, given)
    return given.reshape(len(given), *(target.shape or ())).astype(target.dtype)


def _none_of(space: ActionSpace, actions: NDArray[Any]) -> ConfigError:
    return ConfigError(
        f"actions {actions.tolist()}: not all are in {space}, which this environment takes; agents "
        f"of worldvae act in {agent_space(space)}: make it with make_env, which converts them"
    )


def one_hot(choices: NDArray[Any], count: int) -> NDArray[np.float32]:
    """Return choices (N,) from 0 as vectors (N, count); IndexError where one is too large."""
    vectors = np.zeros((len(choices), count), np.float32)
    vectors[np.arange(len(choices)), choices] = 1
    return vectors


def _is_bounded(space: spaces.Box) -> bool:
    # Converted to float64 first, since the least integer of a type has no absolute value in it.
    bounds = np.array([space.low, space.high], np.float64)
    if not bounds.size:
        return False
    maximum = np.abs(bounds).max()
    largest = 65_504.0 if space.dtype == np.float16 else UNBOUNDED  # np.finfo(np.float16).max
    return bool(maximum < min(largest, UNBOUNDED))


def encode_actions(actions: NDArray[Any], space: spaces.Space[Any]) -> NDArray[np.float32]:
    """Return N actions as vectors of floats: (N, ...) -> (N, A).

    Actions of a Box are flattened, actions of a Discrete space are one-hot.
    """
    checked = check_space(space)
    if isinstance(checked, spaces.Discrete):
        return one_hot(np.asarray(actions) - checked.start, int(checked.n))
    return np.asarray(actions, np.float32).reshape(len(actions), -1)


def action_size(space: spaces.Space[Any]) -> int:
    """Return A, the length of the vector that `encode_actions` makes of one action of `space`."""
    checked = check_space(space)
    return int(checked.n) if isinstance(checked, spaces.Discrete) else int(np.prod(checked.shape))
