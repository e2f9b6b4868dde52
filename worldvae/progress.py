"""Progress of long work: a bar on a terminal, elsewhere a line from time to time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from tqdm import tqdm

REPORT_SECONDS = 60.0
"""The time between two lines without a terminal."""


class ProgressBar:
    """Shows on standard error how much of `total` is done, in a `with` block or until `close`.

    Without a terminal it prints a line each minute and one at the end, for logs.

    Args:
        what: The name of the work.
        total: The amount of work.
        unit: The unit of `total`, such as "frames".
        done: How much of the work was done before.
        hidden: Whether to show nothing.
        clock: Returns seconds since any fixed moment.
    """

    def __init__(
        self,
        what: str,
        total: int,
        unit: str,
        done: int = 0,
        hidden: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        on_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._says = not (hidden or on_terminal)
        self._bar = tqdm(
            desc=what, total=total, initial=done, unit=unit, disable=hidden or not on_terminal
        )
        self._what, self._total, self._unit, self._clock = what, total, unit, clock
        self._before = self._done = done
        self._note = ""
        self._began = self._reported = clock()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._says = self._says and kind is None  # an error is reported elsewhere
        self.close()

    def reach(self, done: int) -> None:
        """Set how much of the work is done."""
        self._done = done
        self._bar.update(done - self._bar.n)
        if self._says and self._clock() - self._reported >= REPORT_SECONDS:
            self._reported = self._clock()
            say(f"{self._what}: {self._how_far}, {eta(self._seconds_left())}")

    def note(self, text: str) -> None:
        """Set a short text, such as a return, that is shown with the next update."""
        self._note = text
        self._bar.set_postfix_str(text, refresh=False)

    def close(self) -> None:
        """End the bar, or print the last line."""
        self._bar.close()
        if self._says:
            took = timedelta(seconds=int(self._clock() - self._began))
            say(f"{self._what}: {self._how_far}, took {took}")
            self._says = False

    @property
    def _how_far(self) -> str:
        return how_far(self._done, self._total, self._note, self._unit)

    def _seconds_left(self) -> float | None:
        """Return the expected seconds until the end; None before any work is done."""
        done, took = self._done - self._before, self._clock() - self._began
        return (self._total - self._done) * took / done if done > 0 else None


def how_far(done: int, total: int, note: str = "", unit: str = "") -> str:
    """Return progress as text, such as "1,200/20,000 frames, return 7"."""
    return ", ".join(filter(None, [f"{done:,}/{total:,} {unit}".strip(), note]))


def eta(seconds: float | None) -> str:
    """Return the remaining time as text, such as "ETA 0:12:34"; "ETA unknown" for None."""
    return "ETA unknown" if seconds is None else f"ETA {timedelta(seconds=int(seconds))}"


def say(line: str) -> None:
    """Print a line on standard error without delay."""
    with suppress(OSError):  # a full or missing log must not stop the work
        print(line, file=sys.stderr, flush=True)
