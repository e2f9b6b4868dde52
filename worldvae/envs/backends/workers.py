"""Environments in worker processes: a dead one raises an error, and `close` always returns."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import random
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from queue import Empty
from types import FrameType
from typing import Any

import cv2
import gymnasium as gym
import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode
from gymnasium.vector.async_vector_env import AsyncState, _async_worker

from worldvae.envs.own_numbers import leave_process_to_environment
from worldvae.errors import ConfigError, WorldvaeError
from worldvae.locks import GUARD, check_guarded
from worldvae.seeding import derive

CLOSE_SECONDS = 10.0
"""How long idle environments may take to close before their processes are killed."""

BUSY_SECONDS = 2.0
"""How long environments may take to close if a call was interrupted, which may never return."""

ERROR_SECONDS = 0.5
"""How long the exception of a process that has ended may take to arrive."""

GONE = EOFError, ConnectionResetError, BrokenPipeError
"""The errors of a pipe whose other process has ended."""


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Let Ctrl-C wait until the end of the block.

    New processes need the time to ignore it, and what it raises while Python forks is dropped. The
    mask is of this thread alone: where there are others they take the signal, and Python calls its
    handler in the main thread all the same.
    """
    waiting: list[tuple[int, FrameType | None]] = []
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        if is_main and callable(handler):
            signal.signal(signal.SIGINT, lambda number, frame: waiting.append((number, frame)))
        yield
    finally:
        if is_main and callable(handler):
            signal.signal(signal.SIGINT, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if waiting and callable(handler):
            handler(*waiting[0])


@contextmanager
def _opencv_without_threads() -> Iterator[None]:
    """End OpenCV's threads while processes begin, since a copy of this one would wait for them."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


class WorkerVectorEnv(AsyncVectorEnv):  # no generic class before Gymnasium 1.4
    """Gymnasium's AsyncVectorEnv with SAME_STEP autoreset, whose workers may die or hang.

    Only the parent process reacts to Ctrl-C: it ends the workers without waiting for an interrupted
    step. An exception in an environment is raised in the parent with the same type, and with its
    traceback as a note. Raises ConfigError if a worker process ends unexpectedly.

    Args:
        makers: What makes each environment, in its process.
        seed: Decides what `random` and `numpy.random` draw in each process, for environments that
            do not draw from their own `np_random`; copies of this process would all draw the same.
        env_id: What is told of an environment that is lost, beside its number.
    """

    def __init__(
        self,
        makers: Sequence[Callable[[], gym.Env[Any, Any]]],
        seed: int = 0,
        env_id: str | None = None,
    ) -> None:
        check_guarded()
        self._whose = "" if env_id is None else f"{env_id}: "
        self._beginning = ExitStack()
        try:
            with self._beginning:
                self._beginning.enter_context(_interrupts_later())
                self._beginning.enter_context(_opencv_without_threads())
                work = partial(_work, seed)
                super().__init__(makers, worker=work, autoreset_mode=AutoresetMode.SAME_STEP)
        except BaseException:
            self.close()
            raise

    def reset_async(self, *args: Any, **kwargs: Any) -> None:
        """As in Gymnasium, with an error if a worker has died."""
        with self._raises_deaths():
            super().reset_async(*args, **kwargs)

    def reset_wait(self, *args: Any, **kwargs: Any) -> Any:
        """As in Gymnasium, with an error if a worker has died."""
        with self._raises_deaths():
            return super().reset_wait(*args, **kwargs)

    def step_async(self, actions: Any) -> None:
        """As in Gymnasium, with an error if a worker has died."""
        with self._raises_deaths():
            super().step_async(actions)

    def step_wait(self, *args: Any, **kwargs: Any) -> Any:
        """As in Gymnasium, with an error if a worker has died."""
        with self._raises_deaths():
            return super().step_wait(*args, **kwargs)

    def call_async(self, name: str, /, *args: Any, **kwargs: Any) -> None:
        """As in Gymnasium, with an error if a worker has died."""
        with self._raises_deaths():
            super().call_async(name, *args, **kwargs)

    def call_wait(self, *args: Any, **kwargs: Any) -> Any:
        """As in Gymnasium, with an error if a worker has died."""
        with self._raises_deaths():
            return super().call_wait(*args, **kwargs)

    def set_attr(self, name: str, values: Any) -> None:
        """As in Gymnasium, with an error if a worker has died."""
        with self._raises_deaths():
            super().set_attr(name, values)

    def close_extras(self, timeout: float | None = None, terminate: bool = False) -> None:
        """Let each environment close itself, and kill its process if that takes too long.

        Args:
            timeout: Seconds to wait; None for `CLOSE_SECONDS`, or `BUSY_SECONDS` during a call.
            terminate: Whether to kill the processes without waiting.
        """
        if timeout is None:
            idle = getattr(self, "_state", None) is AsyncState.DEFAULT
            timeout = CLOSE_SECONDS if idle else BUSY_SECONDS
        until = time.monotonic() + (0.0 if terminate else timeout)
        processes = getattr(self, "processes", [])
        pipes = [pipe for pipe in getattr(self, "parent_pipes", []) if pipe and not pipe.closed]
        try:
            for pipe in pipes:
                with suppress(OSError):  # raised if the process is dead
                    pipe.send(("close", None))
            for pipe in pipes:
                _drain(pipe, until)
            for process in processes:
                process.join(max(0.0, until - time.monotonic()))
        finally:
            for process in processes:
                process.kill()
                process.join()
            for pipe in pipes:
                pipe.close()

    def _check_spaces(self) -> None:
        # The constructor calls this last: all processes have begun, so Ctrl-C may arrive again.
        self._beginning.close()
        with self._raises_deaths():
            super()._check_spaces()  # type: ignore[no-untyped-call]

    def _raise_if_errors(self, successes: Iterable[bool]) -> None:
        if all(successes):
            return
        self._state = AsyncState.DEFAULT
        try:
            _, _, error, _ = self.error_queue.get(timeout=CLOSE_SECONDS)
        except Empty:
            raise EOFError from None
        raise error

    @contextmanager
    def _raises_deaths(self) -> Iterator[None]:
        try:
            yield
        except GONE:
            raise self._sent_error() or ConfigError(self._death_message()) from None

    def _sent_error(self) -> BaseException | None:
        """Return the exception that a worker sent before it ended, or None."""
        with suppress(Empty):
            error: BaseException = self.error_queue.get(timeout=ERROR_SECONDS)[2]
            return error
        return None

    def _death_message(self) -> str:
        ended = wait([process.sentinel for process in self.processes], timeout=1)
        for index, process in enumerate(self.processes):
            if process.sentinel in ended:
                process.join()
                how = _how_ended(process.exitcode)
                return f"{self._whose}environment {index} of {self.num_envs}: {how}"
        return f"{self._whose}one of {self.num_envs} environments: its process has closed its pipe"


def _how_ended(code: int | None) -> str:
    if code is None or code >= 0:
        hint = "" if multiprocessing.get_start_method() == "fork" else f"; {GUARD}"
        return f"its process ended by itself, with status {code}{hint}"
    hint = ""
    if code == -signal.SIGKILL:
        hint = ", as the system does when memory runs out; play fewer at once (num_envs)"
    return f"its process was killed by {signal.Signals(-code).name}{hint}"


def _drain(pipe: Connection, until: float) -> None:
    """Read and drop the content of `pipe` until it is closed, since a full pipe blocks the worker.

    Bytes are read, and not messages, since the reading of a message may have been interrupted.
    """
    with suppress(OSError):
        while pipe.poll(max(0.0, until - time.monotonic())) and os.read(pipe.fileno(), 1 << 16):
            pass


def _work(
    seed: int,
    index: int,
    make: Callable[[], Any],
    pipe: Connection,
    parent: Connection,
    *rest: Any,
) -> None:
    """Run Gymnasium's worker, which ignores Ctrl-C and ends without an error after its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    stream = derive(seed, "process", index)
    random.seed(stream)
    np.random.seed(stream)
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
