"""Behaviour that fills a data set: uniformly random, smooth, or anything with the same call."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.config import UserError
from worldvae.envs.actions import check_space


class Policy(Protocol):
    """Acts in N environments at once."""

    def __call__(
        self, obs: Any, starting: NDArray[np.bool_], state: NDArray[np.float64] | None = None
    ) -> NDArray[Any]:
        """Observations of N environments, starting (N,): who begins an episode -> (N, ...).

        state (N, S): the true state, where the backend shows it.
        """


class RandomPolicy:
    """Each action uniform over the space and independent of the last."""

    def __init__(self, space: spaces.Space[Any], generator: np.random.Generator) -> None:
        self._space, self._generator = check_space(space), generator

    def __call__(
        self, obs: Any, starting: NDArray[np.bool_], state: NDArray[np.float64] | None = None
    ) -> NDArray[Any]:
        return draw_uniform(self._space, len(starting), self._generator)


class SmoothPolicy:
    """Autocorrelated actions, which get further than white noise does.

    Box: a first-order autoregression x' = a x + sqrt(1 - a^2) e with e ~ N(0, scale^2), around
    `drift`, clipped to the space; scale is half the space's half-range, so that the stationary
    actions fill the space. Discrete: the last action is kept with probability a.

    Args:
        autocorrelation: a, in [0, 1).
        drift: Mean action of a Box space, one number per axis; None is the middle of the space.
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
            raise UserError(f"rollouts.drift has {len(drift)} numbers, the actions are {space}")
        self._last: NDArray[Any] | None = None

    def __call__(
        self, obs: Any, starting: NDArray[np.bool_], state: NDArray[np.float64] | None = None
    ) -> NDArray[Any]:
        if isinstance(self._space, spaces.Discrete):
            return self._discrete(starting)
        return self._continuous(self._space, starting)

    def _discrete(self, starting: NDArray[np.bool_]) -> NDArray[Any]:
        fresh = draw_uniform(self._space, len(starting), self._generator)
        anew = starting | (self._generator.random(len(starting)) >= self._keep)
        self._last = fresh if self._last is None else np.where(anew, fresh, self._last)
        return self._last

    def _continuous(self, space: spaces.Box, starting: NDArray[np.bool_]) -> NDArray[Any]:
        half_range = (space.high - space.low) / 2
        middle = space.low + half_range if self._drift is None else np.array(self._drift)
        noise = self._generator.normal(size=(len(starting), *space.shape)) * half_range / 2
        if self._last is None:
            self._last = noise
        onward = self._keep * self._last + np.sqrt(1 - self._keep**2) * noise
        begins = starting.reshape(-1, *[1] * len(space.shape))
        self._last = np.where(begins, noise, onward)
        actions: NDArray[Any] = np.clip(middle + self._last, space.low, space.high)
        return actions.astype(space.dtype)


class EpsilonPolicy:
    """Another policy, but each action uniformly random with probability epsilon."""

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
        self, obs: Any, starting: NDArray[np.bool_], state: NDArray[np.float64] | None = None
    ) -> NDArray[Any]:
        actions = self._policy(obs, starting, state)
        uniform = draw_uniform(self._space, len(starting), self._generator)
        explore = self._generator.random(len(starting)) < self._epsilon
        return np.where(explore.reshape(-1, *[1] * (actions.ndim - 1)), uniform, actions)


def draw_uniform(
    space: spaces.Box | spaces.Discrete, count: int, generator: np.random.Generator
) -> NDArray[Any]:
    """(count, ...) actions, uniform over `space`."""
    if isinstance(space, spaces.Discrete):
        return space.start + generator.integers(space.n, size=count)
    return generator.uniform(space.low, space.high, (count, *space.shape)).astype(space.dtype)
