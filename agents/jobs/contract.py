"""What a pool asks of a job, and of a place where jobs run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from agents.jobs.progress import Progress


class Job(Protocol):
    """Something to do, elsewhere; ended at any moment and begun again, it goes on."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def log(self) -> Path:
        """All that it prints is added to this file."""

    @property
    def work(self) -> Callable[[], object]:
        """Called in the other process; pickled, so of functions that can be imported there."""

    @property
    def progress(self) -> Progress:
        """How far it is, read from its files."""


class Running(Protocol):
    """A job under way."""

    @property
    def exit_code(self) -> int | None:
        """None while it runs, 0 if it did what it had to."""

    @property
    def last_words(self) -> str:
        """What is to be said of one that failed."""

    def terminate(self) -> None:
        """Ask it to end."""

    def wait(self) -> None:
        """Until it has ended with all that it started, by force if it takes too long."""


class Executor(Protocol):
    """A place where jobs run."""

    @property
    def workers(self) -> int:
        """Jobs at once."""

    def start(self, job: Job) -> Running:
        """Begin a job; raises OSError if that cannot be done."""

    def news(self) -> list[str]:
        """What has happened to the place since the last call, a line each."""

    def close(self) -> None:
        """Leave it, with no job under way."""
