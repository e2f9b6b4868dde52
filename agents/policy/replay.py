"""The replay buffer of an algorithm that has one, and its arguments."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from gymnasium import spaces

from agents.config.agent import AgentConfig
from agents.policy.random_shift import shifting_arguments

BUFFER = "replay_buffer_class", "replay_buffer_kwargs", "optimize_memory_usage"
"""Attributes that are not saved with the weights, so that the zip names no class of ours.

Some values of one are refused without the others. Whoever trains on passes them again, and whoever
only plays needs no buffer.
"""


def replay_arguments(config: AgentConfig, space: spaces.Space[Any]) -> dict[str, Any]:
    """Return the arguments that decide the replay buffer of an algorithm observing `space`.

    They are copies, since Stable-Baselines3 writes into what it is given.
    """
    given = {name: deepcopy(config.arguments[name]) for name in BUFFER if name in config.arguments}
    return {**given, **shifting_arguments(config, space)}
