"""Policies that act as a script says, in N environments at once, whatever they observe."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from agents.config.gap import Script
from agents.gap.scripts import check_script
from worldvae.envs.actions import ActionSpace, agent_space
from worldvae.rollouts.policies import (
    EpsilonPolicy,
    Policy,
    RandomPolicy,
    SmoothPolicy,
    Translated,
)


def make_scripted(
    script: Script, space: spaces.Space[Any], generator: np.random.Generator
) -> Policy:
    """Return a policy that acts in `agent_space(space)` as `script` says.

    `space` is the environment's own action space. Raises ConfigError for actions outside of it.
    """
    acting = agent_space(space)
    check_script(script, acting)
    policy: Policy
    if script.cycle is not None:
        policy = CyclePolicy(script, acting)
    elif script.smooth is not None:
        policy = Translated(SmoothPolicy(space, generator, script.smooth), space)
    else:
        policy = Translated(RandomPolicy(space, generator), space)
        if script.held is not None:
            policy = HeldPolicy(policy, script.bounds, generator)
    return EpsilonPolicy(policy, space, generator, script.noise) if script.noise else policy


class CyclePolicy:
    """Takes the actions of a script in turn, from the first one on in each episode."""

    def __init__(self, script: Script, space: ActionSpace) -> None:
        actions = np.array(script.cycle, space.dtype)
        self._row: NDArray[Any] = np.repeat(actions, script.durations, axis=0)
        self._age: NDArray[np.int64] | None = None

    def __call__(
        self, obs: Any, episode_start: NDArray[np.bool_], state: NDArray[np.float64] | None = None
    ) -> NDArray[Any]:
        older = 0 if self._age is None else self._age + 1
        self._age = np.where(episode_start, 0, older).astype(np.int64)
        chosen: NDArray[Any] = self._row[self._age % len(self._row)]
        return chosen


class HeldPolicy:
    """Holds each action of another policy for a random number of decisions, from `bounds`."""

    def __init__(
        self, policy: Policy, bounds: tuple[int, int], generator: np.random.Generator
    ) -> None:
        self._policy, self._bounds, self._generator = policy, bounds, generator
        self._left: NDArray[np.int64] | None = None
        self._last: NDArray[Any] | None = None

    def __call__(
        self, obs: Any, episode_start: NDArray[np.bool_], state: NDArray[np.float64] | None = None
    ) -> NDArray[Any]:
        # Every call draws the same amount, so that the end of an episode changes no other episode.
        fresh = self._policy(obs, episode_start, state)
        lengths = self._generator.integers(*self._bounds, len(episode_start), endpoint=True)
        if self._left is None or self._last is None:
            self._left, self._last = lengths, fresh
        else:
            change = episode_start | (self._left == 1)
            self._left = np.where(change, lengths, self._left - 1)
            is_new = change.reshape(-1, *[1] * (fresh.ndim - 1))
            self._last = np.where(is_new, fresh, self._last)
        return self._last
