"""What a policy is given of N environments, step by step: the same in training and in play.

An observer turns what the environments show into features, and joins the last k of them. A vector
wrapper asks it in training, whatever plays an agent asks it in play, so that each kind of
observation is written once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.errors import ConfigError
from worldvae.wrappers.history import History, stacked_space

NO_ONE = np.empty(0, np.intp)


@dataclass(frozen=True)
class Moment:
    """What N environments show at one moment, and which actions led to it."""

    frames: NDArray[Any]
    """(N, ...): the images, or what else the environments observe."""
    state: NDArray[np.float64] | None = None
    """(N, S): the true state, where a reader tells it."""
    actions: NDArray[Any] | None = None
    """(N, ...): what was done before; None after a reset."""


class Observer:
    """The last `stack` observations of each environment, joined along the last axis.

    A subclass that overrides `features` and `feature_space` stacks something else.
    """

    shows_other_keys = True
    """Whether the policy is given the other keys of a Dict observation beside this one."""

    def __init__(self, stack: int) -> None:
        self.stack = stack
        self.forget()

    def forget(self) -> None:
        """Begin anew, with any number of environments."""
        self._history = History(self.stack)

    def space(self, shown: gym.Space[Any]) -> spaces.Box:
        """The space of one environment's stack, where `shown` is the space of its frames."""
        return stacked_space(self.feature_space(shown), self.stack)

    def feature_space(self, shown: gym.Space[Any]) -> spaces.Box:
        """The space of one environment's features; ConfigError where `shown` has none."""
        if not isinstance(shown, spaces.Box):
            raise ConfigError(f"expected observations of one Box, this environment has {shown}")
        return shown

    def features(self, moment: Moment, episode_start: NDArray[np.bool_]) -> NDArray[Any]:
        """What is stacked of a moment, (N, ..., D); episode_start (N,): who begins an episode."""
        return moment.frames

    def begin(self, moment: Moment, episode_start: NDArray[np.bool_]) -> NDArray[Any]:
        """The stacks after a reset of `episode_start` (N,) alone: (N, ..., k D)."""
        return self._history.begin(self.features(moment, episode_start), episode_start)

    def step(
        self,
        moment: Moment,
        episode_start: NDArray[np.bool_],
        last: Moment | None = None,
        ended: NDArray[np.intp] = NO_ONE,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """The stacks after a step, (N, ..., k D), and the final ones of E episodes that it ended.

        Args:
            moment: What the N environments show now.
            episode_start: (N,), who is shown the first observation of an episode.
            last: What the E environments `ended` (E,) showed last, if any ended.
        """
        newest = self.features(moment, episode_start)
        if last is None:
            stacks = self._history.push(newest, episode_start)
            return stacks, stacks[:0]
        # What ended is added to the old stacks, so before they move on.
        final = self._history.with_last(self.features(last, np.zeros(len(ended), bool)), ended)
        return self._history.push(newest, episode_start), final
