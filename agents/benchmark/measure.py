"""Two ways to the same end, timed alternately in one run: times drift, their ratio does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

Clock = Callable[[], float]
Bound = Literal["", ">=", "<=", "?"]


class Stopwatch:
    """The seconds that count for a side: all of them, but for those in which it is stopped."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counted = 0.0
        self._since: float | None = None
        self.finished = True

    @property
    def seconds(self) -> float:
        """Seconds counted so far."""
        running = 0.0 if self._since is None else self._clock() - self._since
        return self._counted + running

    def start(self) -> None:
        """Count from now on; a running watch runs on."""
        if self._since is None:
            self._since = self._clock()

    def stop(self) -> None:
        """Count no more until `start`."""
        self._counted, self._since = self.seconds, None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What the block does is not counted: preparations, and looking at the result."""
        self.stop()
        yield
        self.start()

    def give_up(self) -> None:
        """The work was broken off: it takes longer than what was counted."""
        self.finished = False


Side = Callable[[Stopwatch], float]
"""Does a fixed amount of work and returns the amount; it may stop the watch on the way."""


@dataclass(frozen=True)
class Contest:
    """Two sides that do the same kind of work, not necessarily the same amount of it."""

    ours: Side
    theirs: Side
    warm_up: bool = True
    """Whether each side first works once without being counted."""


@dataclass(frozen=True)
class Lap:
    """What one side did in one round; an unfinished one would have taken longer."""

    amount: float
    seconds: float
    finished: bool = True

    @property
    def rate(self) -> float:
        """Amount a second; of an unfinished lap it is more than the true one."""
        return self.amount / self.seconds


@dataclass(frozen=True)
class Comparison:
    """The laps of both sides; round i is `ours[i]` and `theirs[i]`, measured one after the other.

    `note` says what a reader has to know of these laps beside their numbers.
    """

    ours: tuple[Lap, ...]
    theirs: tuple[Lap, ...]
    note: str = ""

    @property
    def ratios(self) -> tuple[float, ...]:
        """Our rate over theirs, of each round."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return tuple(ours.rate / theirs.rate for ours, theirs in pairs)

    @property
    def median(self) -> float:
        return float(np.median(self.ratios))

    @property
    def bound(self) -> Bound:
        """How the true ratio lies to ours where a side was broken off; "?" where both were."""
        ours, theirs = (all(lap.finished for lap in laps) for laps in (self.ours, self.theirs))
        if ours and theirs:
            return ""
        return ">=" if ours else "<=" if theirs else "?"


def measure(contest: Contest, rounds: int, clock: Clock = time.perf_counter) -> Comparison:
    """Let both sides work `rounds` times; who begins changes from round to round."""
    sides = {"ours": contest.ours, "theirs": contest.theirs}
    if contest.warm_up:
        for side in sides.values():
            run_lap(side, clock)
    laps: dict[str, list[Lap]] = {name: [] for name in sides}
    for number in range(rounds):
        for name in list(sides)[:: -1 if number % 2 else 1]:
            laps[name].append(run_lap(sides[name], clock))
    return Comparison(tuple(laps["ours"]), tuple(laps["theirs"]))


def run_lap(side: Side, clock: Clock = time.perf_counter) -> Lap:
    """One side, once."""
    watch = Stopwatch(clock)
    watch.start()
    amount = side(watch)
    watch.stop()
    return Lap(amount, watch.seconds, watch.finished)


def clock_of(device: str) -> Clock:
    """A clock that, on a GPU, first lets the work that was queued there come to its end."""
    if torch.device(device).type != "cuda":
        return time.perf_counter

    def synchronised() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return synchronised
