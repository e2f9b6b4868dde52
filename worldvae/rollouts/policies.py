"""Policies that collect data: uniformly random, smooth, or any callable of the same signature."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.envs.actions import ActionSpace, agent_actions, check_space, is_integer
from worldvae.errors import ConfigError


class Policy(Protocol):
    """A callable that chooses actions in N environments at once."""

    def __call__(
        self, obs: Any, episode_start: NDArray[np.bool_], state: NDArray[np.float64] | None = None
    ) -> NDArray[Any]:
        """Return one action for each environment: (N, ...).

        Args:
            obs: The observations of N environments.
            episode_start: (N,), true where an environment begins an episode.
            state: (N, S), the true state; None if the backend does not show it.
        """


@runtime_checkable
class Attentive(Protocol):
    """A policy that has to know which actions were taken, since its memory depends on them."""

    def took(self, actions: NDArray[Any]) -> None:
        """Note that `actions` (N, ...) were taken instead of those that it chose last."""


class Translated:
    """Translates the actions of a policy from an environment's own space into its `agent_space`."""

    def __init__(self, policy: Policy, space: spaces.Space[Any]) -> None:
        self._policy, self._space = policy, space

    def __call__(
        self, obs: Any, episode_start: NDArray[np.bool_], state: NDArray[np.float64] | None = None
    ) -> NDArray[Any]:
        return agent_actions(self._policy(obs, episode_start, state), self._space)


class RandomPolicy:
    """Draws each action uniformly from the space, independently of the last one."""

    def __init__(self, space: spaces.Space[Any], generator: np.random.Generator) -> None:
        self._space, self._generator = check_space(space), generator

    def __call__(
        self, obs: Any, episode_start: NDArray[np.bool_], state: NDArray[np.float64] | None = None
    ) -> NDArray[Any]:
        return draw_uniform(self._space, len(episode_start), self._generator)


class SmoothPolicy:
    """Draws autocorrelated actions, which take an agent further than independent ones do.

    Box: a first-order autoregression x' = a x + sqrt(1 - a^2) e with e ~ N(0, scale^2), around
    `drift`, clipped to the space; scale is half the space's half-range, so that the stationary
    actions fill the space. Discrete: the last action is kept with probability a.

    Args:
        space: The environment's own action space.
        autocorrelation: a, in [0, 1).
        drift: Mean action of a Box space, one number per axis; None is the middle of the space.

    Raises ConfigError if `drift` does not have one number per axis of a Box.
    """

    def __init__(
        self,
        space: spaces.Space[Any],
        generator: np.random.Generator,
        autocorrelation: float,
        drift: tuple[float, ...] | None = None,
    ) -> None:
        self._space, self._generator = check_space(space), generator
        self._keep = autocorrelation
        self._drift = drift
        if drift is not None and (
            isinstance(space, spaces.Discrete) or space.shape != (len(drift),)
        ):
            raise ConfigError(f"rollouts.drift has {len(drift)} numbers, the actions are {space}")
        self._last: NDArray[Any] | None = None

    def __call__(
        self, obs: Any, episode_start: NDArray[np.bool_], state: NDArray[np.float64] | None = None
    ) -> NDArray[Any]:
        if isinstance(self._space, spaces.Discrete):
            return self._discrete(episode_start)
        return self._continuous(self._space, episode_start)

    def _discrete(self, episode_start: NDArray[np.bool_]) -> NDArray[Any]:
        fresh = draw_uniform(self._space, len(episode_start), self._generator)
        redrawn = episode_start | (self._generator.random(len(episode_start)) >= self._keep)
        self._last = fresh if self._last is None else np.where(redrawn, fresh, self._last)
        return self._last

    def _continuous(self, space: spaces.Box, episode_start: NDArray[np.bool_]) -> NDArray[Any]:
        low, high = space.low.astype(np.float64), space.high.astype(np.float64)
        half_range = (high - low) / 2
        middle = low + half_range if self._drift is None else np.array(self._drift)
        noise = self._generator.normal(size=(len(episode_start), *space.shape)) * half_range / 2
        if self._last is None:
            self._last = noise
        continued = self._keep * self._last + np.sqrt(1 - self._keep**2) * noise
        is_start = episode_start.reshape(-1, *[1] * len(space.shape))
        self._last = np.where(is_start, noise, continued)
        actions: NDArray[Any] = np.clip(middle + self._last, low, high)
        return (np.rint(actions) if is_integer(space) else actions).astype(space.dtype)


class EpsilonPolicy:
    """Replaces each action of another policy by a uniformly random one with probability epsilon.

    `space` is the environment's own action space; both policies act in its `agent_space`.
    """

    def __init__(
        self,
        policy: Policy,
        space: spaces.Space[Any],
        generator: np.random.Generator,
        epsilon: float,
    ) -> None:
        self._policy, self._epsilon = policy, epsilon
        self._space, self._generator = check_space(space), generator

    def __call__(
        self, obs: Any, episode_start: NDArray[np.bool_], state: NDArray[np.float64] | None = None
    ) -> NDArray[Any]:
        actions = self._policy(obs, episode_start, state)
        uniform = draw_uniform(self._space, len(episode_start), self._generator)
        uniform = agent_actions(uniform, self._space)
        explore = self._generator.random(len(episode_start)) < self._epsilon
        taken = np.where(explore.reshape(-1, *[1] * (actions.ndim - 1)), uniform, actions)
        if isinstance(self._policy, Attentive):
            self._policy.took(taken)
        return taken


def draw_uniform(space: ActionSpace, count: int, generator: np.random.Generator) -> NDArray[Any]:
    """Draw actions uniformly from `space`: (count, ...)."""
    if isinstance(space, spaces.Discrete):
        return space.start + generator.integers(space.n, size=count)
    shape = (count, *space.shape)
    if is_integer(space):
        low, high = space.low.astype(np.int64), space.high.astype(np.int64)
        return generator.integers(low, high, shape, endpoint=True).astype(space.dtype)
    return generator.uniform(space.low, space.high, shape).astype(space.dtype)
