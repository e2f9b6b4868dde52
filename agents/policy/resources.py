"""Measures the CPU time and the memory of this process and its children."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

POLL_SECONDS = 1.0


def used_cpu() -> float:
    """Return the CPU seconds so far, including those of running and finished children."""
    total = 0.0
    for process in _process_tree():
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
            total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


def resident_memory() -> int:
    """Return the bytes in memory; a page that k processes share counts 1 / k for each.

    Only Linux reports sharing; on other systems a shared page counts in full for each process.
    """
    total = 0
    for process in _process_tree():
        with suppress(psutil.Error):  # it has just ended
            memory = process.memory_full_info()
            total += getattr(memory, "pss", memory.rss)
    return total


class PeakMemory:
    """Records the largest `resident_memory` in a `with` block, measured once a second."""

    def __init__(self, before: int = 0) -> None:
        """`before` is the peak of an earlier part of the same work."""
        self._peak = before
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def bytes(self) -> int:
        """The peak so far, including the present value."""
        self._peak = max(self._peak, resident_memory())
        return self._peak

    def _watch(self) -> None:
        while not self._is_over.wait(POLL_SECONDS):
            self._peak = max(self._peak, resident_memory())


def _process_tree() -> list[psutil.Process]:
    this = psutil.Process()
    with suppress(psutil.Error):
        return [this, *this.children(recursive=True)]
    return [this]


class Meter:
    """Measures wall-clock and CPU seconds of a training; evaluations are counted separately.

    Args:
        seconds: Wall-clock seconds of earlier parts of the training.
        cpu_seconds: CPU seconds of these parts.
        evaluation_seconds: Wall-clock seconds of their evaluations.
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
        """Count the block as evaluation and not as training."""
        wall, cpu = time.perf_counter(), used_cpu()
        yield
        taken = time.perf_counter() - wall
        self.evaluation_seconds += taken
        self._wall += taken
        self._cpu += used_cpu() - cpu
