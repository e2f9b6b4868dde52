"""Environments in worker processes: a dead one raises an error, and `close` always returns."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from functools import partial, wraps
from multiprocessing.connection import Connection, wait
from queue import Empty
from typing import Any, Concatenate, ParamSpec, TypeVar

import gymnasium as gym
from gymnasium.vector import AsyncVectorEnv, AutoresetMode
from gymnasium.vector.async_vector_env import AsyncState

from worldvae.envs.backends.forking import safe_forking
from worldvae.envs.backends.worker_process import GONE, work
from worldvae.errors import ConfigError
from worldvae.locks import GUARD, check_guarded

CLOSE_SECONDS = 10.0
"""How long idle environments may take to close before their processes are killed."""

BUSY_SECONDS = 2.0
"""How long environments may take to close if a call was interrupted, which may never return."""

ERROR_SECONDS = 0.5
"""How long the exception of a process that has ended may take to arrive."""

P = ParamSpec("P")
R = TypeVar("R")


def _raising_deaths(
    method: Callable[Concatenate[WorkerVectorEnv, P], R],
) -> Callable[Concatenate[WorkerVectorEnv, P], R]:
    """Return a method of Gymnasium that raises an error if the process of an environment ends."""

    @wraps(method)
    def checked(self: WorkerVectorEnv, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except GONE:
            raise self._death() from None

    return checked


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
                self._beginning.enter_context(safe_forking())
                worker = partial(work, seed)
                super().__init__(makers, worker=worker, autoreset_mode=AutoresetMode.SAME_STEP)
        except BaseException:
            self.close()
            raise

    reset_async = _raising_deaths(AsyncVectorEnv.reset_async)
    reset_wait = _raising_deaths(AsyncVectorEnv.reset_wait)
    step_async = _raising_deaths(AsyncVectorEnv.step_async)
    step_wait = _raising_deaths(AsyncVectorEnv.step_wait)
    call_async = _raising_deaths(AsyncVectorEnv.call_async)
    call_wait = _raising_deaths(AsyncVectorEnv.call_wait)
    set_attr = _raising_deaths(AsyncVectorEnv.set_attr)

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
        _raising_deaths(AsyncVectorEnv._check_spaces)(self)

    def _raise_if_errors(self, successes: Iterable[bool]) -> None:
        if all(successes):
            return
        self._state = AsyncState.DEFAULT
        try:
            _, _, error, _ = self.error_queue.get(timeout=CLOSE_SECONDS)
        except Empty:
            raise EOFError from None
        raise error

    def _death(self) -> BaseException:
        """Return why the process of an environment has closed its pipe."""
        return self._sent_error() or ConfigError(self._death_message())

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
