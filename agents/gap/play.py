"""Plays one policy for a number of whole episodes, in reality or in the dream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from worldvae.envs.state import STATE
from worldvae.rollouts.policies import Policy


@dataclass(frozen=True)
class Episodes:
    """What one policy achieved in E episodes."""

    returns: NDArray[np.float64]
    """(E,): undiscounted."""
    lengths: NDArray[np.int64]
    """(E,): decisions."""
    cut: NDArray[np.bool_]
    """(E,): whether the episode was truncated and did not end by itself."""
    starts: NDArray[np.int64]
    """(E,): the number of the real frame that a dream began from; of other episodes nothing."""


def play(
    policy: Policy,
    vec: VectorEnv[Any, Any, Any],
    episodes: int,
    seed: int,
    start_key: str = "",
) -> Episodes:
    """Play `episodes` episodes in N environments with SAME_STEP autoreset.

    The first of each environment begins from a seed of its own, `seed` + its number, the others go
    on from there. Each environment plays a number of episodes that is fixed before: those that end
    first are no likelier to be counted. `start_key` is what `info` calls the number of the real
    frame that an episode began from; empty: it tells none.
    """
    quota = _quota(episodes, vec.num_envs)
    obs, info = vec.reset(seed=[seed + index for index in range(vec.num_envs)])  # type: ignore[arg-type]
    episode_start = np.ones(vec.num_envs, bool)
    totals, lengths = np.zeros(vec.num_envs), np.zeros(vec.num_envs, np.int64)
    starts = _starts(info, start_key, vec.num_envs)
    played: list[list[tuple[float, int, bool, int]]] = [[] for _ in range(vec.num_envs)]
    while any(len(done) < most for done, most in zip(played, quota, strict=True)):
        actions = policy(obs, episode_start, info.get(STATE))
        obs, rewards, terminated, truncated, info = vec.step(actions)
        episode_start = terminated | truncated
        totals, lengths = totals + rewards, lengths + 1
        for index in np.flatnonzero(episode_start):
            if len(played[index]) < quota[index]:
                ended = float(totals[index]), int(lengths[index]), not terminated[index]
                played[index].append((*ended, int(starts[index])))
        starts = _starts(info, start_key, vec.num_envs)
        totals, lengths = np.where(episode_start, 0, totals), np.where(episode_start, 0, lengths)
    returns, counts, cut, began = zip(*(one for done in played for one in done), strict=True)
    told = np.array(began if start_key else (), np.int64)
    return Episodes(np.array(returns), np.array(counts), np.array(cut, bool), told)


def _starts(info: Mapping[str, Any], key: str, count: int) -> NDArray[np.int64]:
    """Return the number of the frame that each of N running episodes began from: (N,)."""
    return np.array(info[key], np.int64) if key else np.zeros(count, np.int64)


def _quota(episodes: int, num_envs: int) -> list[int]:
    """Return how many episodes each environment plays: (N,), the first ones at most one more."""
    each, more = divmod(episodes, num_envs)
    return [each + (index < more) for index in range(num_envs)]
