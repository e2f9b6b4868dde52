"""The protocols between a pool, its jobs, and the executor that runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from agents.jobs.progress import Progress


class Job(Protocol):
    """Work for another process; it may be ended at any moment and resumes when started again."""

    @property
    def name(self) -> str:
        """The name of the job in messages."""

    @property
    def log(self) -> Path:
        """The file to which everything that the job prints is appended."""

    @property
    def work(self) -> Callable[[], object]:
        """The function that the other process calls; pickled, so it must be importable there."""

    @property
    def progress(self) -> Progress:
        """The progress so far, read from the job's files."""


class RunningJob(Protocol):
    """A job that an executor has started."""

    @property
    def exit_code(self) -> int | None:
        """None while the job runs, 0 if it succeeded, any other number if it failed."""

    @property
    def error_message(self) -> str:
        """The reason why the job failed, in one line."""

    def terminate(self) -> None:
        """Ask the job to end."""

    def wait(self) -> None:
        """Wait until the job and all processes that it started have ended; kill them if need be."""


class Executor(Protocol):
    """A place where jobs run: this machine, or a cluster."""

    @property
    def workers(self) -> int:
        """How many jobs run at once."""

    def start(self, job: Job) -> RunningJob:
        """Start a job; raises OSError if it cannot be started."""

    def events(self) -> list[str]:
        """Return the events since the last call, one line each, such as a lost node."""

    def close(self) -> None:
        """Release the executor; no job may be running."""
