"""What runs in the process of an environment: Gymnasium's worker, and the errors that it sends."""

from __future__ import annotations

import pickle
import random
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import cv2
import numpy as np
from gymnasium.vector.async_vector_env import _async_worker

from worldvae.envs.own_numbers import leave_process_to_environment
from worldvae.errors import WorldvaeError
from worldvae.seeding import derive

GONE = EOFError, ConnectionResetError, BrokenPipeError
"""The errors of a pipe whose other process has ended."""


def work(
    seed: int,
    index: int,
    make: Callable[[], Any],
    pipe: Connection,
    parent: Connection,
    *rest: Any,
) -> None:
    """Run Gymnasium's worker, which ignores Ctrl-C and ends without an error after its parent."""
    _leave_signals_to_parent()
    _seed(derive(seed, "process", index))
    cv2.setNumThreads(1)  # N workers with a thread pool each would fight for the cores
    shared, queue, *others = rest
    errors: Any = _Errors(queue)
    leave_process_to_environment()
    try:
        env = make()
    except Exception as error:  # noqa: BLE001  # raised in the parent
        errors.put((index, type(error), error, traceback.format_exc()))
        pipe.send((None, False))
        return
    with suppress(*GONE):
        _async_worker(index, lambda: env, pipe, parent, shared, errors, *others)


def _leave_signals_to_parent() -> None:
    """Ignore Ctrl-C, which the parent blocked while this process began, and end when told to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _seed(stream: int) -> None:
    """Seed the streams that all of the process share."""
    random.seed(stream)
    np.random.seed(stream)


class _Errors:
    """A queue of exceptions, made picklable and given their traceback as a note."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def put(self, item: tuple[int, type[BaseException], BaseException, str]) -> None:
        """Send (index, type, exception, traceback)."""
        index, kind, error, trace = item
        if isinstance(error, GONE):
            return  # the parent has ended and reads no errors
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # noqa: BLE001  # an environment's exception may do anything
            error = RuntimeError(f"{kind.__name__}: {error}")
        if not isinstance(error, WorldvaeError):
            error.add_note(f"in environment {index}:\n{trace}")
        self._queue.put((index, type(error), error, trace))
