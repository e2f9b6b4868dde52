"""Episodes go to disk in a thread of their own, while the environments go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Queue

from worldvae.rollouts.episode import Episode
from worldvae.rollouts.store import RolloutStore

SMALL = 2**20
"""Bytes of frames; a smaller episode is waited for. Two busy threads hand the interpreter to each
other every 5 ms, so that its many short system calls would take longer beside a world in Python."""


@contextmanager
def background_writer(
    store: RolloutStore, waiting: int, done: Callable[[Episode], None] = lambda _: None
) -> Iterator[Callable[[Episode], None]]:
    """A function that takes episodes and has them appended to `store`, one by one and in order.

    Everything taken is in the store when the block is left, however it is left. What the store
    raises is raised by the next call, or on leaving; the episodes after it are dropped.
    Each episode is charged the seconds since the one before it was.

    Args:
        waiting: Episodes that may wait for the disk; the next one waits outside until one is done.
        done: Told of each episode that was written, in the writing thread.
    """
    writer = _Writer(store, waiting, done)
    try:
        yield writer.put
    finally:
        writer.close()


class _Writer:
    def __init__(self, store: RolloutStore, waiting: int, done: Callable[[Episode], None]) -> None:
        self._store, self._done = store, done
        self._queue: Queue[Episode | None] = Queue(waiting)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="rollout writer", daemon=True)
        self._thread.start()

    def put(self, episode: Episode) -> None:
        self._raise()
        self._queue.put(episode)
        if episode.obs.nbytes < SMALL:
            self._queue.join()
            self._raise()

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        since = time.perf_counter()
        while (episode := self._queue.get()) is not None:
            now = time.perf_counter()
            if self._error is None:  # what would follow a hole in the store is dropped
                self._append(episode, now - since)
            since = now
            self._queue.task_done()

    def _append(self, episode: Episode, seconds: float) -> None:
        try:
            self._store.append(episode, seconds)
            self._done(episode)
        except BaseException as error:  # noqa: BLE001  # raised again where it is seen
            self._error = error
