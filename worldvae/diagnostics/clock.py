"""Measures how long each part of a check takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class PartClock:
    """Measures the wall-clock seconds of each part of a check."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - started, 3)
