"""Runs each job in a process on this machine, with an even share of its idle cores."""

from __future__ import annotations

import os

from agents.jobs.contract import Job, RunningJob
from agents.jobs.process import Process
from worldvae.machine import busy_cores


class LocalProcesses:
    """The executor that runs jobs on this machine."""

    def __init__(self, workers: int) -> None:
        self.workers, self._threads = workers, threads_per_job(workers)

    def start(self, job: Job) -> RunningJob:
        """Start a process that ends when this one ends."""
        return Process(job.work, job.log, self._threads)

    def events(self) -> list[str]:
        """Return no events: what happens to this machine happens to this process, too."""
        return []

    def close(self) -> None:
        """Do nothing: no resource is kept between jobs."""


def threads_per_job(workers: int) -> int:
    """Return the threads of each of `workers` jobs: an even share of the idle cores, at least 1.

    It is at most OMP_NUM_THREADS. With that variable set, the number of threads, and with it the
    last bits of a result, do not depend on what else runs on the machine.
    """
    cores = os.cpu_count() or 1
    limit = min(cores // workers, thread_limit(cores))
    if limit <= 1:
        return 1
    free = int(cores + 0.5 - busy_cores())
    return max(1, min(limit, free // workers))


def thread_limit(otherwise: int) -> int:
    """Return OMP_NUM_THREADS if it is a number, `otherwise` if not."""
    value = os.environ.get("OMP_NUM_THREADS", "")
    return int(value) if value.isdecimal() else otherwise
