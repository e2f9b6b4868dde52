"""Random decisions in environments that are made for one round of a row."""

from __future__ import annotations

from typing import Any

from gymnasium.vector import VectorEnv

from agents.benchmark.measure import Stopwatch


def take_decisions(
    env: VectorEnv[Any, Any, Any],
    vector_steps: int,
    watch: Stopwatch,
    seed: int,
    reset_seed: int | None = None,
) -> int:
    """Take random decisions and return their number; the reset and the end are not counted.

    `reset_seed` is for environments that were made without a seed of their own.
    """
    with watch.paused():
        env.action_space.seed(seed)
        env.reset(seed=reset_seed)
    for _ in range(vector_steps):
        env.step(env.action_space.sample())
    watch.stop()
    env.close()
    return vector_steps * env.num_envs
