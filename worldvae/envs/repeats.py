"""Whether an environment plays the same episode again from the same seed, as evaluations assume."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import gymnasium as gym
from gymnasium.utils.env_checker import data_equivalence

DECISIONS = 8
"""How many decisions of an episode are played twice."""


def where_repeats_differ(env: gym.Env[Any, Any], seed: int) -> str | None:
    """Begin the episode of `seed` twice, with the same random actions.

    Return where the second first differs from the other, "its first frame" or a decision such as
    "decision 3"; None if it does not.
    """
    played = zip_longest(_begun(env, seed), _begun(env, seed))
    for number, (once, again) in enumerate(played):
        if not data_equivalence(once, again, exact=True):
            return f"decision {number}" if number else "its first frame"
    return None


def _begun(env: gym.Env[Any, Any], seed: int) -> list[Any]:
    """Return the first observation, then what each decision brought."""
    env.action_space.seed(seed)
    shown: list[Any] = [env.reset(seed=seed)[0]]
    for _ in range(DECISIONS):
        *brought, _ = env.step(env.action_space.sample())
        shown.append(brought)
        _, _, terminated, truncated = brought
        if terminated or truncated:
            break
    return shown
