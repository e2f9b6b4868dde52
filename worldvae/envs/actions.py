"""The action spaces that policies can act in, and how their actions become an environment's own.

Stock policies choose from Discrete(n), counted from 0, or from a float Box of one axis. An
environment may count from elsewhere, take whole numbers, or arrange its numbers in a matrix:
`agent_space` is what a policy acts in there, `EnvActions` what the environment is then given and
what rollouts record, `agent_actions` the way back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.errors import ConfigError

ActionSpace = spaces.Box | spaces.Discrete

EXACT_IN_FLOAT32 = 2**24
"""Whole numbers from here on are not all told apart."""

UNBOUNDED = 1e9
"""Bounds from here on stand for none: nobody means a motor that takes 3.4e38, the largest float."""


def check_space(space: spaces.Space[Any]) -> ActionSpace:
    """`space` if it is Discrete or a Box with bounds that mean something, else ConfigError."""
    if isinstance(space, spaces.Discrete) or (isinstance(space, spaces.Box) and _is_bounded(space)):
        return space
    hint = ""
    if isinstance(space, spaces.Box):
        hint = "; give its Box the range that actions really have, or wrap it in RescaleAction"
    raise ConfigError(
        f"actions must be Discrete or a bounded Box, this environment has {space}{hint}"
    )


def is_whole(space: spaces.Box) -> bool:
    """Whether it holds whole numbers, which true and false are too."""
    return space.dtype.kind in "biu"


def agent_space(space: spaces.Space[Any]) -> ActionSpace:
    """What a policy acts in where the environment takes `space`.

    Discrete(n, start) -> Discrete(n); Box of any shape and type -> Box (A,) of floats.
    """
    known = check_space(space)
    if isinstance(known, spaces.Discrete):
        return known if known.start == 0 else spaces.Discrete(int(known.n))
    if len(known.shape) == 1 and not is_whole(known):
        return known
    exact = np.abs([known.low, known.high]).max() < EXACT_IN_FLOAT32
    whole = np.float32 if exact else np.float64
    dtype: Any = whole if is_whole(known) else known.dtype
    low, high = (bound.reshape(-1).astype(dtype) for bound in (known.low, known.high))
    return spaces.Box(low, high, dtype=dtype)


class EnvActions:
    """Actions of `agent_space(space)` as an environment is given them, each a new array or number.

    Of a Box of whole numbers the nearest are taken. Raises ConfigError for an action that is no
    finite number, or that a space of whole numbers does not hold.
    """

    def __init__(self, space: spaces.Space[Any]) -> None:
        self._space = check_space(space)
        self._convert = self._choice if isinstance(self._space, spaces.Discrete) else self._numbers
        self._is_whole = isinstance(self._space, spaces.Box) and is_whole(self._space)
        self._shape, self._type = self._space.shape, self._space.dtype.type

    def __call__(self, action: Any) -> Any:
        """One action, in `space`."""
        try:
            return self._convert(action)
        except (TypeError, ValueError, OverflowError):  # no number, or not as many as it takes
            seen = agent_space(self._space)
            raise ConfigError(f"action {action}: expected one of {seen}") from None

    def batch(self, actions: NDArray[Any]) -> NDArray[Any]:
        """N actions, (N, ...)."""
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
    """N actions of `space` as a policy would have chosen them: (N, ...) in `agent_space(space)`."""
    known, seen = check_space(space), agent_space(space)
    if isinstance(known, spaces.Discrete):
        return np.asarray(actions - known.start)
    shape = len(actions), *(seen.shape or ())
    return np.asarray(actions).reshape(shape).astype(seen.dtype)


def _is_bounded(space: spaces.Box) -> bool:
    bounds = np.array([space.low, space.high], np.float64)  # first: the least integer has no abs
    if not bounds.size:
        return False
    most = np.abs(bounds).max()
    largest = 65_504.0 if space.dtype == np.float16 else UNBOUNDED  # np.finfo(np.float16).max
    return bool(most < min(largest, UNBOUNDED))


def encode_actions(actions: NDArray[Any], space: spaces.Space[Any]) -> NDArray[np.float32]:
    """Actions as numbers, (N, ...) -> (N, A): of a Box as they are, of a Discrete A flags."""
    known = check_space(space)
    if isinstance(known, spaces.Discrete):
        return np.eye(int(known.n), dtype=np.float32)[np.asarray(actions) - known.start]
    return np.asarray(actions, np.float32).reshape(len(actions), -1)


def action_size(space: spaces.Space[Any]) -> int:
    """A, how many numbers `encode_actions` makes of one action of `space`."""
    known = check_space(space)
    return int(known.n) if isinstance(known, spaces.Discrete) else int(np.prod(known.shape))
