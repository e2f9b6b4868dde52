"""The last k observations of N environments, as one vector or one image each."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray


class History:
    """Stacks along the last axis, newest last; an episode's first observation fills its stack.

    Args:
        stack: k, how many observations a stack holds.
    """

    def __init__(self, stack: int) -> None:
        if stack < 1:
            raise ValueError(f"stack must be at least 1, got {stack}")
        self.stack = stack
        self._stacks: NDArray[Any] | None = None

    def push(self, newest: NDArray[Any], episode_start: NDArray[np.bool_]) -> NDArray[Any]:
        """newest (N, ..., D), episode_start (N,) -> (N, ..., k D), a copy."""
        if self._stacks is not None:
            self._stacks = self._append(self._stacks, newest)
        return self.begin(newest, episode_start)

    def begin(self, first: NDArray[Any], episode_start: NDArray[np.bool_]) -> NDArray[Any]:
        """As `push`, but nobody else's stack moves on: for episodes that begin between two steps.

        The very first call begins all of them.
        """
        if self._stacks is None:
            self._stacks = self._filled(first)
        else:
            self._stacks[episode_start] = self._filled(first[episode_start])
        return self._stacks.copy()

    def with_last(self, last: NDArray[Any], ended: NDArray[np.intp]) -> NDArray[Any]:
        """What `push` would have given the E environments `ended` for their final observations.

        last (E, ..., D) -> (E, ..., k D). Call it before `push` moves on to the next episode.
        """
        if self._stacks is None:
            raise ValueError("no observation was pushed yet")
        return self._append(self._stacks[ended], last)

    def _filled(self, newest: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([newest] * self.stack, axis=-1)

    @staticmethod
    def _append(stacks: NDArray[Any], newest: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([stacks[..., newest.shape[-1] :], newest], axis=-1)


def stacked_space(space: spaces.Box, stack: int) -> spaces.Box:
    """The space of k observations of `space`, joined along the last axis."""
    low, high = (np.concatenate([bound] * stack, axis=-1) for bound in (space.low, space.high))
    return spaces.Box(low, high, dtype=space.dtype.type)
