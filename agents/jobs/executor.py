"""Where jobs run: what a pool asks of such a place, and the place that is always there."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from agents.config.sections import ExecutorName
from agents.jobs.process import Process
from agents.jobs.progress import Progress
from worldvae.errors import ConfigError
from worldvae.machine import busy_cores


class Job(Protocol):
    """Something to do, elsewhere; ended at any moment and begun again, it goes on."""

    @property
    def name(self) -> str:
        """In what is said of it."""

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


class LocalProcesses:
    """This machine: a process for each job, and an even share of its free cores."""

    def __init__(self, workers: int) -> None:
        self.workers, self._threads = workers, threads_each(workers)

    def start(self, job: Job) -> Running:
        """A process of its own, that ends with this one."""
        return Process(job.work, job.log, self._threads)

    def news(self) -> list[str]:
        """Nothing happens to it that would not happen to this process."""
        return []

    def close(self) -> None:
        """Nothing is kept between jobs."""


def check_executor(name: ExecutorName) -> None:
    """Raise ConfigError if what it needs is not installed; asked before hours of other work."""
    if name == "ray" and not _is_installed("ray"):
        raise ConfigError("--executor ray needs Ray: pip install -c constraints.txt 'ray>=2.60'")


def make_executor(name: ExecutorName, workers: int) -> Executor:
    """Enter the place; raises ConfigError if it cannot be entered."""
    check_executor(name)
    if name == "ray":
        from agents.jobs.ray_cluster import RayCluster

        return RayCluster(workers)
    return LocalProcesses(workers)


def _is_installed(package: str) -> bool:
    """Without importing it: what is imported starts threads, and environments are forked."""
    try:
        return find_spec(package) is not None
    except ValueError:  # it cannot be imported
        return False


def threads_each(workers: int) -> int:
    """Threads for each of `workers` jobs: an even share of the cores that nobody else uses.

    Never more than OMP_NUM_THREADS, which stays the way to have the same number, and so the same
    last bits of a result, beside any company.
    """
    cores = os.cpu_count() or 1
    most = min(cores // workers, thread_limit(cores))
    if most <= 1:
        return 1
    free = int(cores + 0.5 - busy_cores())
    return max(1, min(most, free // workers))


def thread_limit(otherwise: int) -> int:
    """OMP_NUM_THREADS, if it is a number."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return int(wanted) if wanted.isdecimal() else otherwise
