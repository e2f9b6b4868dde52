"""Jobs on this machine: a process for each, and an even share of the cores that are free."""

from __future__ import annotations

import os

from agents.jobs.contract import Job, Running
from agents.jobs.process import Process
from worldvae.machine import busy_cores


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
