"""Evaluates an agent on episodes that each start from a seed of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from agents.policy.agent import Agent
from worldvae.envs.state import STATE
from worldvae.envs.vector import final_success
from worldvae.envs.world import World
from worldvae.errors import ConfigError
from worldvae.seeding import derive
from worldvae.torch_seeding import seeded_torch

MAX_DECISIONS = 30_000
"""Decisions after which an episode counts as endless; Atari's own limit is 27,000."""


@dataclass(frozen=True)
class Score:
    """One evaluation episode: seed, undiscounted return, length in decisions."""

    seed: int
    return_: float
    length: int
    success: bool | None = None
    """Whether it reached its goal; None if the environment does not report `info["is_success"]`."""


@dataclass(frozen=True)
class Promised:
    """What an agent achieved in dreams, one from each of some seeds."""

    returns: tuple[float, ...] = ()
    starts: tuple[int, ...] = ()
    """The number of the real frame that each dream began from."""


def evaluate(
    agent: Agent, world: World, seeds: Sequence[int], num_envs: int = 10, action_seed: int = 0
) -> list[Score]:
    """Play one whole episode from each of `seeds`; return the scores in their order.

    Episodes in reality depend on the seeds alone, so that every agent faces the same ones. Dreams
    that are played together share a source of chance: there each seed decides where one begins.
    Sampled actions depend on `action_seed`, so that agents do not share their luck. Raises
    ConfigError if an episode does not end.
    """
    with seeded_torch(derive(action_seed, "evaluate")):  # policies sample from torch's generator
        return _evaluate(agent, world, seeds, num_envs)


def _evaluate(agent: Agent, world: World, seeds: Sequence[int], num_envs: int) -> list[Score]:
    if not len(seeds):
        return []
    count = min(num_envs, len(seeds))
    vec = world.make_vec(count, seed=0)
    try:
        scores: list[Score] = []
        limit = endless_after(world)
        for start in range(0, len(seeds), count):
            part = seeds[start : start + count]
            with _naming(part):
                scores += _play(agent, vec, part, world.name, limit)
        return scores
    finally:
        vec.close()


@contextmanager
def _naming(seeds: Sequence[int]) -> Iterator[None]:
    """Say in an error in which episodes it happened, so that it can be made to happen again."""
    try:
        yield
    except ConfigError as error:
        which = (
            f"seed {seeds[0]}" if len(seeds) == 1 else f"one of the seeds {seeds[0]} to {seeds[-1]}"
        )
        raise ConfigError(f"{error} (in an evaluation's episode, {which})") from error


def _play(
    agent: Agent, vec: VectorEnv[Any, Any, Any], seeds: Sequence[int], name: str, limit: int | None
) -> list[Score]:
    """Play one episode in each environment; later episodes of early finishers are not counted."""
    padded = [*seeds, *[seeds[0]] * (vec.num_envs - len(seeds))]
    agent.begin()
    obs, info = vec.reset(seed=padded)  # type: ignore[arg-type]
    episode_start = np.ones(vec.num_envs, bool)
    running = np.ones(vec.num_envs, bool)
    returns, lengths = np.zeros(vec.num_envs), np.zeros(vec.num_envs, int)
    successes: list[bool | None] = [None] * vec.num_envs
    while running.any():
        check_ends(name, int(lengths.max()), limit)
        actions = agent(obs, episode_start, info.get(STATE))
        obs, rewards, terminated, truncated, info = vec.step(actions)
        episode_start = terminated | truncated
        returns += rewards * running
        lengths += running
        for index in np.flatnonzero(running & episode_start):
            successes[index] = final_success(info, index)
        running &= ~episode_start
    scores = zip(seeds, returns.tolist(), lengths.tolist(), successes, strict=False)
    return [Score(*score) for score in scores]


def endless_after(world: World) -> int | None:
    """Return the decisions after which an episode counts as endless; None if `world` limits it."""
    return None if world.has_limit else MAX_DECISIONS


def check_ends(name: str, decisions: int, limit: int | None) -> None:
    """Raise ConfigError if an episode has not ended after `limit` decisions."""
    if decisions == limit:
        raise ConfigError(
            f"{name}: an episode has not ended after {limit:,} decisions, and nothing limits it: "
            "set env.max_episode_steps, which truncates it, and another --name, since all that "
            "was made without it is of another task"
        )
