"""What this process and all that it started have taken of the machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

POLL_SECONDS = 1.0


def used_cpu() -> float:
    """Seconds of processor time so far, of children that have ended or still run too."""
    total = 0.0
    for process in _family():
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
            total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


def resident_memory() -> int:
    """Bytes in memory at this moment; a page that k processes share counts 1 / k for each.

    Where the system does not tell of sharing (all but Linux), it counts in full for each.
    """
    total = 0
    for process in _family():
        with suppress(psutil.Error):  # it has just ended
            memory = process.memory_full_info()
            total += getattr(memory, "pss", memory.rss)
    return total


class PeakMemory:
    """The most bytes that `resident_memory` showed in a `with` block, looked at once a second."""

    def __init__(self, before: int = 0) -> None:
        """`before`: the peak of an earlier part of the same work."""
        self._peak = before
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def bytes(self) -> int:
        """The peak so far, this moment included."""
        self._peak = max(self._peak, resident_memory())
        return self._peak

    def _watch(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            self._peak = max(self._peak, resident_memory())


def _family() -> list[psutil.Process]:
    own = psutil.Process()
    with suppress(psutil.Error):
        return [own, *own.children(recursive=True)]
    return [own]


class Meter:
    """Seconds of wall-clock and of processors that a training takes; evaluations count apart.

    Args:
        seconds, cpu_seconds, evaluation_seconds: What earlier parts of the training took.
    """

    def __init__(self, seconds: float, cpu_seconds: float, evaluation_seconds: float) -> None:
        self.evaluation_seconds = evaluation_seconds
        self._wall = time.perf_counter() - seconds
        self._cpu = used_cpu() - cpu_seconds

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._wall

    @property
    def cpu_seconds(self) -> float:
        return used_cpu() - self._cpu

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """What the block takes is not charged to training."""
        wall, cpu = time.perf_counter(), used_cpu()
        yield
        taken = time.perf_counter() - wall
        self.evaluation_seconds += taken
        self._wall += taken
        self._cpu += used_cpu() - cpu
