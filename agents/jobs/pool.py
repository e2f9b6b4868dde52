"""Runs independent jobs, several at a time, each in a process that ends with this one.

A job may be ended at any moment and resumes when it is started again. So the pool ends all jobs
when its block is left, and a pool whose own process was killed leaves no job behind.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Generic, TypeVar

from agents.jobs.contract import Executor, Job, RunningJob
from agents.jobs.live_view import View
from worldvae.errors import WorldvaeError

POLL_SECONDS = 0.5

J = TypeVar("J", bound=Job)


class Pool(Generic[J]):
    """Runs jobs in a `with` block and ends those that still run when the block is left.

    A job that fails is reported in one line and does not affect the others.

    Args:
        executor: Where the jobs run; the pool closes it.
        view: Where their progress is shown.
    """

    def __init__(self, executor: Executor, view: View) -> None:
        self._executor, self._view = executor, view
        self._running: list[tuple[J, RunningJob]] = []

    def __enter__(self) -> Pool[J]:
        return self

    def __exit__(self, *error: object) -> None:
        if self._running:
            self._view.say(f"stopping {', '.join(job.name for job in self.running)}")
        try:
            for _, running in self._running:
                running.terminate()
            for _, running in self._running:
                running.wait()
        finally:
            self._executor.close()

    @property
    def running(self) -> list[J]:
        """The running jobs, the oldest first."""
        return [job for job, _ in self._running]

    def run(self, jobs: Iterable[J]) -> Iterator[list[tuple[J, bool]]]:
        """Run `jobs` until all have ended; each is taken from the iterable when a worker is free.

        Yields twice a second the jobs that have ended since, each with whether it succeeded.
        """
        waiting = iter(jobs)
        while True:
            room = self._executor.workers - len(self._running)
            failed = [(job, False) for job in islice(waiting, room) if not self._start(job)]
            if not self._running and not failed:
                return
            time.sleep(POLL_SECONDS)
            self._show()
            yield failed + self._remove_ended()

    def finish(self, jobs: Iterable[J]) -> None:
        """Run `jobs` until all have ended."""
        for _ in self.run(jobs):
            pass

    def stop(self, job: J) -> None:
        """End a running job that is not worth continuing."""
        running = next(running for other, running in self._running if other is job)
        running.terminate()
        running.wait()
        self._running = [pair for pair in self._running if pair[0] is not job]
        self._view.ended(job.name, "stopped")

    def _start(self, job: J) -> bool:
        """Start a job; return whether that succeeded."""
        self._view.started(job.name)
        try:
            self._running.append((job, self._executor.start(job)))
        except OSError as error:
            self._view.say(f"{job.name} could not be started: {error}")
            self._view.ended(job.name, "failed")
            return False
        return True

    def _show(self) -> None:
        for line in self._executor.events():
            self._view.say(line)
        for job in self.running:
            with suppress(WorldvaeError):  # the job itself reports damaged files
                self._view.show(job.name, job.progress)
        self._view.report()

    def _remove_ended(self) -> list[tuple[J, bool]]:
        ended = [pair for pair in self._running if pair[1].exit_code is not None]
        self._running = [pair for pair in self._running if pair not in ended]
        for job, running in ended:
            running.wait()
            if running.exit_code:
                self._view.say(f"{job.name} failed (see {job.log}): {running.error_message}")
            self._view.ended(job.name, "failed" if running.exit_code else "done")
        return [(job, running.exit_code == 0) for job, running in ended]
