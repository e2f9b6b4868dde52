"""Times two sides alternately in one run: speeds drift together, so their ratio does not."""

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
    """Counts the seconds of a side, except while it is stopped."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counted = 0.0
        self._since: float | None = None
        self.finished = True

    @property
    def seconds(self) -> float:
        """The seconds counted so far."""
        running = 0.0 if self._since is None else self._clock() - self._since
        return self._counted + running

    def start(self) -> None:
        """Count from now on; no effect if the watch is running."""
        if self._since is None:
            self._since = self._clock()

    def stop(self) -> None:
        """Stop counting until `start`."""
        self._counted, self._since = self.seconds, None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count the block, such as preparations or an evaluation."""
        self.stop()
        yield
        self.start()

    def mark_unfinished(self) -> None:
        """Note that the work was aborted: it takes longer than the counted seconds."""
        self.finished = False


Side = Callable[[Stopwatch], float]
"""Does a fixed amount of work and returns the amount; it may stop the watch in between."""


@dataclass(frozen=True)
class Contest:
    """Two sides that do the same kind of work, not necessarily the same amount."""

    ours: Side
    theirs: Side
    warm_up: bool = True
    """Whether each side first runs once without being counted."""


@dataclass(frozen=True)
class Lap:
    """The work of one side in one round; an unfinished lap would have taken longer."""

    amount: float
    seconds: float
    finished: bool = True

    @property
    def rate(self) -> float:
        """The amount per second; for an unfinished lap an upper bound."""
        return self.amount / self.seconds


@dataclass(frozen=True)
class Comparison:
    """The laps of both sides; round i is `ours[i]` and `theirs[i]`, measured one after the other.

    `note` is a remark for readers of the numbers.
    """

    ours: tuple[Lap, ...]
    theirs: tuple[Lap, ...]
    note: str = ""

    @property
    def ratios(self) -> tuple[float, ...]:
        """Our rate divided by theirs, for each round."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return tuple(ours.rate / theirs.rate for ours, theirs in pairs)

    @property
    def median(self) -> float:
        """The median ratio over the rounds."""
        return float(np.median(self.ratios))

    @property
    def bound(self) -> Bound:
        """How the true ratio compares with ours if one side did not finish; "?" if neither did."""
        ours, theirs = (all(lap.finished for lap in laps) for laps in (self.ours, self.theirs))
        if ours and theirs:
            return ""
        return ">=" if ours else "<=" if theirs else "?"


def measure(contest: Contest, rounds: int, clock: Clock = time.perf_counter) -> Comparison:
    """Run both sides `rounds` times; the order changes from round to round."""
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
    """Run one side once and time it."""
    watch = Stopwatch(clock)
    watch.start()
    amount = side(watch)
    watch.stop()
    return Lap(amount, watch.seconds, watch.finished)


def clock_of(device: str) -> Clock:
    """Return a clock in seconds that, for a GPU, first waits until its queued work is done."""
    if torch.device(device).type != "cuda":
        return time.perf_counter

    def synchronised() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return synchronised
