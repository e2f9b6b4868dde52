"""The actions of an environment as numbers that dynamics read."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pydantic import Field

from worldvae.envs.actions import agent_space, is_integer, one_hot
from worldvae.json_files import Content


class PolicyActions(Content):
    """The space in which a policy acts, as a file can hold it."""

    choices: int | None = Field(None, ge=1, description="Discrete: the number of actions.")
    low: tuple[float, ...] = Field((), description="Box: the least value of each axis.")
    high: tuple[float, ...] = Field((), description="Box: the greatest value of each axis.")
    whole: bool = Field(
        False, description="Box: the environment takes whole numbers, so actions are rounded."
    )

    @classmethod
    def of(cls, space: spaces.Space[Any]) -> PolicyActions:
        """Return the description of `agent_space(space)`; ConfigError if nothing can act in it."""
        own = agent_space(space)
        if isinstance(own, spaces.Discrete):
            return cls(choices=int(own.n))
        low, high = (bound.astype(np.float64).tolist() for bound in (own.low, own.high))
        whole = isinstance(space, spaces.Box) and is_integer(space)
        return cls(low=tuple(low), high=tuple(high), whole=whole)

    @property
    def space(self) -> spaces.Box | spaces.Discrete:
        """The space that was described, with bounds in float32 whatever they were."""
        if self.choices is not None:
            return spaces.Discrete(self.choices)
        low, high = np.array(self.low, np.float32), np.array(self.high, np.float32)
        return spaces.Box(low, high, dtype=np.float32)

    @property
    def size(self) -> int:
        """A, the length of an encoded action."""
        return len(self.low) if self.choices is None else self.choices

    def encode(self, actions: NDArray[Any]) -> NDArray[np.float32]:
        """Return actions (N, ...) as vectors (N, A) float32.

        Discrete actions are one-hot. A Box is scaled from its bounds to [-1, 1], after its numbers
        were clipped to them, and rounded if the environment rounds them: dynamics learned from what
        it had taken.
        """
        if self.choices is not None:
            return one_hot(actions, self.choices)
        numbers = np.asarray(actions, np.float32).reshape(len(actions), -1)
        numbers = np.rint(numbers) if self.whole else numbers
        low, high = np.array(self.low, np.float32), np.array(self.high, np.float32)
        numbers = numbers.clip(low, high)
        width = np.where(high > low, high - low, 1)
        return (2 * (numbers - low) / width - 1).astype(np.float32)
