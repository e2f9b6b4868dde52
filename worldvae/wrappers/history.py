"""The last k observations of each of N environments, joined along the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray


class History:
    """Keeps the last k observations of N environments, joined along the last axis, newest last.

    At the start of an episode its first observation is repeated k times.

    Args:
        stack: k, the number of observations in a stack.
    """

    def __init__(self, stack: int) -> None:
        if stack < 1:
            raise ValueError(f"stack must be at least 1, got {stack}")
        self.stack = stack
        self._stacks: NDArray[Any] | None = None

    def push(self, newest: NDArray[Any], episode_start: NDArray[np.bool_]) -> NDArray[Any]:
        """Add one observation of each environment and return a copy of all stacks.

        Args:
            newest: (N, ..., D), the new observations.
            episode_start: (N,), true where an observation is the first of an episode.

        Returns (N, ..., k D).
        """
        if self._stacks is not None:
            self._stacks = self._append(self._stacks, newest)
        return self.begin(newest, episode_start)

    def begin(self, first: NDArray[Any], episode_start: NDArray[np.bool_]) -> NDArray[Any]:
        """Restart the stacks of `episode_start` (N,) alone and return a copy of all stacks.

        Other stacks stay unchanged: this is for episodes that begin between two steps. The first
        call fills the stacks of all environments. first (N, ..., D) -> (N, ..., k D).
        """
        if self._stacks is None:
            self._stacks = self._filled(first)
        else:
            self._stacks[episode_start] = self._filled(first[episode_start])
        return self._stacks.copy()

    def with_last(self, last: NDArray[Any], ended: NDArray[np.intp]) -> NDArray[Any]:
        """Return the stacks that end with the final observations of the E environments `ended`.

        last (E, ..., D) -> (E, ..., k D). The kept stacks do not change. Call it before `push`
        receives the first observations of the next episodes.
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
    """Return the space of k observations of `space`, joined along the last axis."""
    low, high = (np.concatenate([bound] * stack, axis=-1) for bound in (space.low, space.high))
    return spaces.Box(low, high, dtype=space.dtype.type)
