"""The replay buffer of an algorithm that has one: its arguments, its file, the seam of a resume."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy, deepcopy
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.buffers import NStepReplayBuffer, ReplayBuffer

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


def filled_part(buffer: ReplayBuffer) -> ReplayBuffer:
    """Return `buffer` with the rows of its arrays that hold transitions, which are not copied.

    Until it is full the rest is zeros: of frames, tens of gigabytes that a file need not hold.
    """
    rows = _filled_rows(buffer)
    return _with_arrays(buffer, buffer.buffer_size, lambda array: array[:rows])


def whole(part: ReplayBuffer) -> ReplayBuffer:
    """Return the buffer of which `filled_part` made `part`."""
    rows = _filled_rows(part)

    def enlarged(array: NDArray[Any]) -> NDArray[Any]:
        all_rows = np.zeros((part.buffer_size, *array.shape[1:]), array.dtype)
        all_rows[:rows] = array
        return all_rows

    return part if rows == part.buffer_size else _with_arrays(part, rows, enlarged)


def _filled_rows(buffer: ReplayBuffer) -> int:
    # The row after the last may hold the observation that followed it.
    return buffer.buffer_size if buffer.full else min(buffer.pos + 1, buffer.buffer_size)


def _with_arrays(
    buffer: ReplayBuffer, rows: int, change: Callable[[NDArray[Any]], NDArray[Any]]
) -> ReplayBuffer:
    """Return a shallow copy of `buffer` with `change` made to its arrays of as many rows."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: changed(one) for key, one in value.items()}
        is_kept = isinstance(value, np.ndarray) and value.ndim > 0 and len(value) == rows
        return change(value) if is_kept else value

    other = copy(buffer)
    vars(other).update({name: changed(value) for name, value in vars(buffer).items()})
    return other


def cut_off(buffer: ReplayBuffer) -> None:
    """Let nothing join the last transition of each environment to the one that is added next.

    Environments are reset where a training goes on, without any end in the buffer. A buffer of
    returns over several steps would add up rewards of two episodes, and one that keeps each
    observation once would take the first of an episode for what followed the last of another. Any
    other keeps its transitions whole, and stays as it is.
    """
    joins = isinstance(buffer, NStepReplayBuffer) or buffer.optimize_memory_usage
    if not joins or not buffer.size():
        return
    last = buffer.pos - 1  # -1, the last row, where a full buffer begins again
    # Without a place for truncations the library takes them for ends, and writes nothing there.
    marks = buffer.timeouts if buffer.handle_timeout_termination else buffer.dones
    marks[last] = np.logical_or(marks[last], np.logical_not(buffer.dones[last]))
