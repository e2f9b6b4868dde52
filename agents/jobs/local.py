"""Runs each job in a process on this machine, with an even share of its idle cores."""

from __future__ import annotations

import os

from agents.jobs.contract import Job, RunningJob
from agents.jobs.process import Process
from worldvae.machine import SHARE, idle_cores, usable_cores


class LocalProcesses:
    """The executor that runs jobs on this machine, each on its share of the cores."""

    def __init__(self, workers: int) -> None:
        self.workers, self._threads = workers, threads_per_job(workers)
        self._cores = cores_per_job(workers)
        self._news = [
            f"{workers} at once on {usable_cores()} cores: environments of each on {self._cores}, "
            f"networks with threads: {self._threads}"
        ]

    def start(self, job: Job) -> RunningJob:
        """Start a process that ends when this one ends."""
        return Process(job.work, job.log, self._threads, shares={SHARE: str(self._cores)})

    def events(self) -> list[str]:
        """Return how the cores are shared, once.

        What happens later to this machine happens to this process, too.
        """
        news, self._news = self._news, []
        return news

    def close(self) -> None:
        """Do nothing: no resource is kept between jobs."""


def threads_per_job(workers: int) -> int:
    """Return the threads of each of `workers` jobs: an even share of the idle cores, at least 1.

    It is at most OMP_NUM_THREADS. With that variable set, the number of threads, and with it the
    last bits of a result, do not depend on what else runs on the machine.
    """
    cores = usable_cores()
    limit = min(cores // workers, thread_limit(cores))
    if limit <= 1:
        return 1
    return max(1, min(limit, idle_cores() // workers))


def cores_per_job(workers: int) -> int:
    """Return the cores on which each of `workers` jobs steps environments: an even share.

    It is at least 1. Unlike threads it does not depend on what else runs, and it decides no number
    of a result.
    """
    return max(1, usable_cores() // workers)


def thread_limit(otherwise: int) -> int:
    """Return OMP_NUM_THREADS if it is a number, `otherwise` if not."""
    value = os.environ.get("OMP_NUM_THREADS", "")
    return int(value) if value.isdecimal() else otherwise
