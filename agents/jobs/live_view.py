"""Shows running jobs: one line each on a terminal, a summary once a minute elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.table import Column
from rich.text import Text

from agents.jobs.progress import Progress
from worldvae.progress import REPORT_SECONDS, eta, how_far, say

Outcome = Literal["done", "failed", "stopped"]

PACE_SECONDS = 600.0
"""The remaining time is estimated from the pace of this period: episodes end in bursts."""


class View:
    """Shows the progress of `jobs` jobs on standard error, as a context manager.

    Args:
        what: The name of all the jobs together.
        console: Where the live view is drawn, if it is a terminal.
        clock: Returns seconds since any fixed moment.
    """

    def __init__(
        self,
        what: str,
        jobs: int,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # With FORCE_COLOR, Rich would treat a file as a terminal.
        console = console or Console(stderr=True, force_terminal=sys.stderr.isatty())
        self._live = console.is_terminal and not console.is_dumb_terminal
        self._what, self._jobs, self._clock, self._reported = what, jobs, clock, clock()
        self._ended: Counter[Outcome] = Counter()
        self._bars = Bars(
            TextColumn("{task.description}", markup=False, table_column=_one_line()),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[text]}", markup=False, table_column=_one_line()),
            _RemainingTime(table_column=_one_line()),
            console=console,
            refresh_per_second=2,
            redirect_stdout=False,
            speed_estimate_period=PACE_SECONDS,
            get_time=clock,
            disable=not self._live,
        )
        self._tasks: dict[str, TaskID] = {}
        self._all = self._bars.add_task(what, total=jobs, text=self._counts)

    def __enter__(self) -> View:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def say(self, line: str) -> None:
        """Print a line that stays, above the live view."""
        if self._live:
            self._bars.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            say(line)

    def started(self, name: str) -> None:
        """Show that the job `name` has started."""
        self._tasks[name] = self._bars.add_task(name, total=None, text="")
        self._count()
        if not self._live:
            self.say(f"{name} begins")

    def ended(self, name: str, outcome: Outcome) -> None:
        """Remove the job `name` from the view and count its outcome."""
        self._bars.remove_task(self._tasks.pop(name))
        self._ended[outcome] += 1
        self._count()
        if not self._live:
            self.say(f"{name} {outcome}: {self._counts}")

    def show(self, name: str, progress: Progress) -> None:
        """Show the progress of the job `name`."""
        text = how_far(progress.done, progress.total, progress.note)
        self._bars.update(
            self._tasks[name], completed=progress.done, total=progress.total, text=text
        )

    def report(self) -> None:
        """Without a terminal, print the progress of all jobs, at most once a minute."""
        if self._live or self._clock() - self._reported < REPORT_SECONDS:
            return
        self._reported = self._clock()
        running = [task for task in self._bars.tasks if task.id != self._all]
        jobs = [f"{task.description} {task.fields['text']}, {_remaining(task)}" for task in running]
        self.say("; ".join([f"{self._what}: {self._counts}", *jobs]))

    @property
    def _counts(self) -> str:
        done, failed, running = self._ended["done"], self._ended["failed"], len(self._tasks)
        waiting = self._jobs - self._ended.total() - running
        stopped = f", {self._ended['stopped']} stopped" if self._ended["stopped"] else ""
        failures = f", {failed} failed" if failed else ""
        return f"{done} done, {running} running, {waiting} waiting{failures}{stopped}"

    def _count(self) -> None:
        self._bars.update(self._all, completed=self._ended.total(), text=self._counts)


class _RemainingTime(ProgressColumn):
    """A column with the remaining time of each job."""

    def render(self, task: Task) -> Text:
        return Text(_remaining(task))


def _remaining(task: Task) -> str:
    """Return the remaining time, as in "ETA 0:12:34", at the pace since the job was first shown."""
    # A job whose last step is done may still evaluate or write files.
    return "finishing" if task.finished else eta(task.time_remaining)


def _one_line() -> Column:
    return Column(no_wrap=True, overflow="ellipsis")
