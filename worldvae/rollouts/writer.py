"""A thread that writes episodes to disk while the environments go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Queue

from worldvae.rollouts.episode import Episode
from worldvae.rollouts.store import RolloutStore

SMALL = 2**20
"""Bytes of frames below which `put` waits until the episode is written.

A small episode takes many short system calls. Python switches between two busy threads only every
5 ms, so that these calls would take longer beside environments written in Python.
"""


@contextmanager
def background_writer(
    store: RolloutStore, waiting: int, done: Callable[[Episode], None] = lambda _: None
) -> Iterator[Callable[[Episode], None]]:
    """Yield a function that queues an episode, which the thread then appends to `store`.

    Episodes are written in order. When the block is left, also by an exception, all queued episodes
    are in the store. An error of the store is raised by the next call, or at the end of the block;
    the episodes after it are dropped. The seconds since the episode before are stored as an
    episode's collection time.

    Args:
        store: The store to append to.
        waiting: How many episodes the queue holds; with a full queue a call waits.
        done: Called in the writing thread with each episode that was written.
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
            if self._error is None:  # after an error episodes are dropped: the store has no gaps
                self._append(episode, now - since)
            since = now
            self._queue.task_done()

    def _append(self, episode: Episode, seconds: float) -> None:
        try:
            self._store.append(episode, seconds)
            self._done(episode)
        except BaseException as error:  # noqa: BLE001  # raised again where it is seen
            self._error = error
