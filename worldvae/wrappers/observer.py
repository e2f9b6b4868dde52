"""Observers compute what a policy observes in N environments, the same in training and in play.

An observer turns the output of the environments into features, and joins the last k of them. A
vector wrapper calls it in training and a player calls it in play, so that each kind of observation
is written once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.envs.observations import image_of
from worldvae.envs.vector import vectors_of
from worldvae.errors import ConfigError
from worldvae.wrappers.history import History, stacked_space

NO_INDICES = np.empty(0, np.intp)


@dataclass(frozen=True)
class Moment:
    """The output of N environments at one step, and the actions that led to it."""

    frames: NDArray[Any]
    """(N, ...): the images, or any other observations of the environments."""
    state: NDArray[np.float64] | None = None
    """(N, S): the true state; None without a state reader."""
    actions: NDArray[Any] | None = None
    """(N, ...): the actions of the step before; None after a reset."""
    keys: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Name -> (N, d): the vectors that a Dict observation holds beside the image."""

    @classmethod
    def of(
        cls,
        observation: Any,
        image_key: str | None,
        actions: NDArray[Any] | None = None,
        state: NDArray[np.float64] | None = None,
    ) -> Moment:
        """Return the moment of a batch of N observations; `image_key` names a Dict's image."""
        vectors = vectors_of(observation, image_key)
        return cls(image_of(observation, image_key), state, actions, vectors)

    @classmethod
    def of_each(
        cls,
        observations: Sequence[Any],
        image_key: str | None,
        actions: NDArray[Any] | None = None,
        state: NDArray[np.float64] | None = None,
    ) -> Moment:
        """Return the moment of single observations of N environments, as `of` does of a batch."""
        if image_key is None:
            return cls(np.stack(observations), state, actions)
        shown = [
            key
            for key, value in observations[0].items()
            if key == image_key or (isinstance(value, np.ndarray) and value.ndim == 1)
        ]
        batch = {key: np.stack([one[key] for one in observations]) for key in shown}
        return cls.of(batch, image_key, actions, state)


class Observer(ABC):
    """Computes what a policy observes in N environments, and keeps what it needs of their past."""

    shows_other_keys = True
    """Whether the policy also observes the other keys of a Dict observation."""

    def __init__(self, stack: int) -> None:
        self.stack = stack
        self.forget()

    def forget(self) -> None:
        """Drop all stacks; the next call may have another number of environments."""
        self._history = History(self.stack)

    def space(self, shown: gym.Space[Any]) -> spaces.Box:
        """Return the space of one environment's stack; `shown` is the space of its frames."""
        return stacked_space(self.feature_space(shown), self.stack)

    @abstractmethod
    def feature_space(self, shown: gym.Space[Any]) -> spaces.Box:
        """Return the space of one environment's features; `shown` is the space of its frames.

        Raises ConfigError if no features can be computed from `shown`.
        """

    @abstractmethod
    def begin(self, moment: Moment, episode_start: NDArray[np.bool_]) -> NDArray[Any]:
        """Return all stacks after a reset of the environments `episode_start` (N,) alone.

        Returns (N, ..., k D).
        """

    @abstractmethod
    def step(
        self,
        moment: Moment,
        episode_start: NDArray[np.bool_],
        last: Moment | None = None,
        ended: NDArray[np.intp] = NO_INDICES,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the stacks after a step, and the final stacks of the E episodes that it ended.

        Args:
            moment: The output of the N environments after the step.
            episode_start: (N,), true where `moment` holds the first observation of an episode.
            last: The final output of the E environments whose episodes ended; None if E is 0.
            ended: (E,), the indices of these environments.

        Returns (N, ..., k D) and (E, ..., k D).
        """


class StackedObserver(Observer):
    """Observes the last `stack` observations of each environment, joined along the last axis.

    A subclass overrides `features` and `feature_space` to stack something else that each moment
    shows by itself.
    """

    def feature_space(self, shown: gym.Space[Any]) -> spaces.Box:
        if not isinstance(shown, spaces.Box):
            raise ConfigError(f"expected observations of one Box, this environment has {shown}")
        return shown

    def features(self, moment: Moment, episode_start: NDArray[np.bool_]) -> NDArray[Any]:
        """Return the features of a moment that go onto the stacks: (N, ..., D).

        `episode_start` (N,) is true where an environment begins an episode.
        """
        return moment.frames

    def begin(self, moment: Moment, episode_start: NDArray[np.bool_]) -> NDArray[Any]:
        return self._history.begin(self.features(moment, episode_start), episode_start)

    def step(
        self,
        moment: Moment,
        episode_start: NDArray[np.bool_],
        last: Moment | None = None,
        ended: NDArray[np.intp] = NO_INDICES,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        newest = self.features(moment, episode_start)
        if last is None:
            stacks = self._history.push(newest, episode_start)
            return stacks, stacks[:0]
        # Final observations belong to the old stacks, so they are added before `push`.
        final = self._history.with_last(self.features(last, np.zeros(len(ended), bool)), ended)
        return self._history.push(newest, episode_start), final
