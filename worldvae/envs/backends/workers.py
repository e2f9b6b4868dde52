"""Environments in processes of their own: a dead one is told of in a line, `close` is bounded."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from queue import Empty
from typing import Any

import gymnasium as gym
from gymnasium.vector import AsyncVectorEnv, AutoresetMode
from gymnasium.vector.async_vector_env import AsyncState, _async_worker

from worldvae.errors import ConfigError, WorldvaeError
from worldvae.files import GUARD, check_guarded

CLOSE_SECONDS = 10.0
"""What idle environments may take to close; then their processes are ended."""

BUSY_SECONDS = 2.0
"""The same where a call was interrupted, which may never return."""

LAST_WORDS_SECONDS = 0.5
"""What an exception may take to arrive from a process that has ended."""

GONE = EOFError, ConnectionResetError, BrokenPipeError
"""What a pipe raises whose other end has ended."""


class WorkerVectorEnv(AsyncVectorEnv):  # no generic class before Gymnasium 1.4
    """Gymnasium's AsyncVectorEnv with SAME_STEP autoreset, whose processes may die or hang.

    Its processes leave Ctrl-C to this one, which ends them: a step that was interrupted is not
    waited for. An exception in an environment is raised here as it was there, with its traceback
    as a note. Raises ConfigError if a process ends that was not asked to.
    """

    def __init__(self, makers: Sequence[Callable[[], gym.Env[Any, Any]]]) -> None:
        check_guarded()
        # A process that begins is deaf to Ctrl-C before it can ignore it.
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().__init__(makers, worker=_work, autoreset_mode=AutoresetMode.SAME_STEP)
        except BaseException:
            self.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def reset_async(self, *args: Any, **kwargs: Any) -> None:
        """As Gymnasium's."""
        with self._deaths_told():
            super().reset_async(*args, **kwargs)

    def reset_wait(self, *args: Any, **kwargs: Any) -> Any:
        """As Gymnasium's."""
        with self._deaths_told():
            return super().reset_wait(*args, **kwargs)

    def step_async(self, actions: Any) -> None:
        """As Gymnasium's."""
        with self._deaths_told():
            super().step_async(actions)

    def step_wait(self, *args: Any, **kwargs: Any) -> Any:
        """As Gymnasium's."""
        with self._deaths_told():
            return super().step_wait(*args, **kwargs)

    def call_async(self, name: str, /, *args: Any, **kwargs: Any) -> None:
        """As Gymnasium's."""
        with self._deaths_told():
            super().call_async(name, *args, **kwargs)

    def call_wait(self, *args: Any, **kwargs: Any) -> Any:
        """As Gymnasium's."""
        with self._deaths_told():
            return super().call_wait(*args, **kwargs)

    def set_attr(self, name: str, values: Any) -> None:
        """As Gymnasium's."""
        with self._deaths_told():
            super().set_attr(name, values)

    def close_extras(self, timeout: float | None = None, terminate: bool = False) -> None:
        """Let each environment close itself, and end its process if that takes too long.

        Args:
            timeout: Seconds; None for `CLOSE_SECONDS`, or `BUSY_SECONDS` in the middle of a call.
            terminate: Do not wait at all.
        """
        if timeout is None:
            idle = getattr(self, "_state", None) is AsyncState.DEFAULT
            timeout = CLOSE_SECONDS if idle else BUSY_SECONDS
        until = time.monotonic() + (0.0 if terminate else timeout)
        processes = getattr(self, "processes", [])
        pipes = [pipe for pipe in getattr(self, "parent_pipes", []) if pipe and not pipe.closed]
        try:
            for pipe in pipes:
                with suppress(OSError):  # of one that is dead
                    pipe.send(("close", None))
            for pipe in pipes:
                _read_out(pipe, until)
            for process in processes:
                process.join(max(0.0, until - time.monotonic()))
        finally:
            for process in processes:
                process.kill()
                process.join()
            for pipe in pipes:
                pipe.close()

    def _check_spaces(self) -> None:
        # The last thing that the constructor does: all processes have begun, which may take long.
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        with self._deaths_told():
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
    def _deaths_told(self) -> Iterator[None]:
        try:
            yield
        except GONE:
            raise self._last_words() or ConfigError(self._first_death()) from None

    def _last_words(self) -> BaseException | None:
        """What a process said before it ended, if it had time to say something."""
        with suppress(Empty):
            error: BaseException = self.error_queue.get(timeout=LAST_WORDS_SECONDS)[2]
            return error
        return None

    def _first_death(self) -> str:
        ended = wait([process.sentinel for process in self.processes], timeout=1)
        for index, process in enumerate(self.processes):
            if process.sentinel in ended:
                process.join()
                return f"environment {index} of {self.num_envs}: {_how_ended(process.exitcode)}"
        return f"one of {self.num_envs} environments: its process has closed its pipe"


def _how_ended(code: int | None) -> str:
    if code is None or code >= 0:
        hint = "" if multiprocessing.get_start_method() == "fork" else f"; {GUARD}"
        return f"its process ended by itself, with status {code}{hint}"
    hint = ""
    if code == -signal.SIGKILL:
        hint = ", as the system does when memory runs out; play fewer at once (num_envs)"
    return f"its process was killed by {signal.Signals(-code).name}{hint}"


def _read_out(pipe: Connection, until: float) -> None:
    """Drop what comes out of `pipe` until its other end closes it: unread, it may block there.

    Bytes and no messages: the reading of one may have been interrupted half-way.
    """
    with suppress(OSError):
        while pipe.poll(max(0.0, until - time.monotonic())) and os.read(pipe.fileno(), 1 << 16):
            pass


def _work(
    index: int, make: Callable[[], Any], pipe: Connection, parent: Connection, *rest: Any
) -> None:
    """Gymnasium's worker, which leaves Ctrl-C to the parent and ends quietly when that is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    shared, errors, *others = rest
    told: Any = _Errors(errors)
    try:
        env = make()
    except Exception as error:  # noqa: BLE001  # raised in the parent
        told.put((index, type(error), error, traceback.format_exc()))
        pipe.send((None, False))
        return
    with suppress(*GONE):
        _async_worker(index, lambda: env, pipe, parent, shared, told, *others)


class _Errors:
    """What a worker puts exceptions into: each can be sent, and holds its traceback as a note."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def put(self, item: tuple[int, type[BaseException], BaseException, str]) -> None:
        """Send (index, type, exception, traceback)."""
        index, kind, error, trace = item
        if isinstance(error, GONE):
            return  # the parent is gone, and nobody reads it
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # noqa: BLE001  # an environment's exception may do anything
            error = RuntimeError(f"{kind.__name__}: {error}")
        if not isinstance(error, WorldvaeError):
            error.add_note(f"in environment {index}:\n{trace}")
        self._queue.put((index, type(error), error, trace))
