"""A policy that holds each action for many decisions, which takes an agent to where it leads."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.envs.actions import ActionSpace, check_space
from worldvae.rollouts.policies import draw_uniform

ALTERNATING = 0.5
"""The share of episodes that alternate between two actions; the others draw fresh ones."""


class SweepPolicy:
    """Holds each action for a number of decisions, then changes it.

    Each episode draws this number log-uniformly, and whether it alternates between two actions, as
    half of the episodes do, or draws a fresh action at each change. In a Discrete space the two
    actions differ, and a fresh action differs from the one before. In a Box the two actions are the
    ends of one random axis, at a random point of the other axes, and a fresh action is a random
    point.

    Args:
        space: The environment's own action space.
        held: The least and the most decisions that an action is held.
        noise: Shares of decisions that are uniformly random instead; each episode draws one. They
            do not delay the next change.
    """

    def __init__(
        self,
        space: spaces.Space[Any],
        generator: np.random.Generator,
        held: tuple[int, int],
        noise: tuple[float, ...],
    ) -> None:
        self._space, self._generator = check_space(space), generator
        self._held, self._noise = held, np.array(noise, np.float64)
        self._plan: _Plan | None = None

    def __call__(
        self, obs: Any, episode_start: NDArray[np.bool_], state: NDArray[np.float64] | None = None
    ) -> NDArray[Any]:
        # Every call draws the same amount, so that the end of an episode changes no other episode.
        count = len(episode_start)
        begun = self._begin(count)
        uniform = draw_uniform(self._space, count, self._generator)
        chance = self._generator.random(count)
        fresh = draw_other(self._space, (self._plan or begun).action, self._generator)
        if self._plan is not None:
            begun = begun.where(episode_start, self._plan.after(fresh))
        self._plan = begun
        return _where(chance < begun.noise, uniform, begun.action)

    def _begin(self, count: int) -> _Plan:
        """Draw how each of N = `count` environments would play a new episode."""
        least, most = self._held
        exponents = self._generator.uniform(np.log(least), np.log(most + 1), count)
        action = draw_uniform(self._space, count, self._generator)
        pair = action, draw_other(self._space, action, self._generator)
        if isinstance(self._space, spaces.Box):
            pair = draw_ends(self._space, action, self._generator)
        alternates = self._generator.random(count) < ALTERNATING
        return _Plan(
            age=np.zeros(count, np.int64),
            held=np.clip(np.exp(exponents).astype(np.int64), least, most),
            alternates=alternates,
            noise=self._noise[self._generator.integers(len(self._noise), size=count)],
            action=_where(alternates, pair[0], action),
            other=pair[1],
        )


@dataclass(frozen=True)
class _Plan:
    """How each of N environments plays its episode."""

    age: NDArray[np.int64]
    """(N,): decisions since the episode's start."""
    held: NDArray[np.int64]
    """(N,): for how many decisions an action is held."""
    alternates: NDArray[np.bool_]
    """(N,): whether two actions alternate."""
    noise: NDArray[np.float64]
    """(N,): the share of decisions that are random instead."""
    action: NDArray[Any]
    """(N, ...): the action that is held now."""
    other: NDArray[Any]
    """(N, ...): the action that an alternation holds next."""

    def after(self, fresh: NDArray[Any]) -> _Plan:
        """Return the plan one decision later; without alternation `fresh` (N, ...) come next."""
        age = self.age + 1
        is_due = age % self.held == 0
        following = _where(self.alternates, self.other, fresh)
        return _Plan(
            age,
            self.held,
            self.alternates,
            self.noise,
            action=_where(is_due, following, self.action),
            other=_where(is_due, self.action, self.other),
        )

    def where(self, chosen: NDArray[np.bool_], others: _Plan) -> _Plan:
        """Return this plan for the environments `chosen` (N,), and `others` for the rest."""
        names = [part.name for part in fields(self)]
        return _Plan(*(_where(chosen, getattr(self, n), getattr(others, n)) for n in names))


def draw_other(
    space: ActionSpace, actions: NDArray[Any], generator: np.random.Generator
) -> NDArray[Any]:
    """Draw another action for each of `actions`: (N, ...) -> (N, ...).

    In a Discrete space it differs, unless there is only one; in a Box it is any point.
    """
    if isinstance(space, spaces.Box):
        return draw_uniform(space, len(actions), generator)
    count = int(space.n)
    steps = 1 + generator.integers(max(count - 1, 1), size=len(actions))
    others: NDArray[Any] = space.start + (actions - space.start + steps) % count
    return others


def draw_ends(
    space: spaces.Box, points: NDArray[Any], generator: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return each of `points` (N, ...) with one random axis at one end, and at its other end."""
    count, rows = len(points), np.arange(len(points))
    axes = generator.integers(points[0].size, size=count)
    bounds = np.stack([space.low.reshape(-1)[axes], space.high.reshape(-1)[axes]])
    first = generator.integers(2, size=count)
    ends = [points.reshape(count, -1).copy() for _ in range(2)]
    for number, end in enumerate(ends):
        end[rows, axes] = bounds[first ^ number, rows]
    return ends[0].reshape(points.shape), ends[1].reshape(points.shape)


def _where(chosen: NDArray[np.bool_], values: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """Return the rows of `values` (N, ...) where `chosen` (N,), else those of `others` (N, ...)."""
    return np.where(chosen.reshape(-1, *[1] * (values.ndim - 1)), values, others)
