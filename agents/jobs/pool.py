"""Independent jobs, some at a time, each in a process of its own that ends with this one.

A job may be ended at any moment and called again goes on, so the pool ends all of them as soon as
it is left, and a pool whose own process was killed leaves none behind.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import Generic, TypeVar

from agents.jobs.contract import Executor, Job, Running
from agents.jobs.live_view import View
from worldvae.errors import WorldvaeError

POLL_SECONDS = 0.5

J = TypeVar("J", bound=Job)


class Pool(Generic[J]):
    """Runs jobs in a `with` block, at whose end it ends those that still run.

    A job that fails is told of in a line and leaves the others alone.

    Args:
        executor: Where they run; closed at the end.
        view: Where they are shown.
    """

    def __init__(self, executor: Executor, view: View) -> None:
        self._executor, self._view = executor, view
        self._under_way: list[tuple[J, Running]] = []

    def __enter__(self) -> Pool[J]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._under_way:
            self._view.say(f"stopping {', '.join(job.name for job in self.running)}")
        try:
            for _, running in self._under_way:
                running.terminate()
            for _, running in self._under_way:
                running.wait()
        finally:
            self._executor.close()

    @property
    def running(self) -> list[J]:
        """The jobs under way, the oldest first."""
        return [job for job, _ in self._under_way]

    def run(self, jobs: Iterable[J]) -> Iterator[list[tuple[J, bool]]]:
        """Look after `jobs` until none is left; each is taken when there is room for it.

        Twice a second, those that have ended since, and whether they did what they had to.
        """
        waiting = iter(jobs)
        while True:
            room = self._executor.workers - len(self._under_way)
            unable = [(job, False) for job in islice(waiting, room) if not self._start(job)]
            if not self._under_way and not unable:
                return
            time.sleep(POLL_SECONDS)
            self._show()
            yield unable + self._ended()

    def finish(self, jobs: Iterable[J]) -> None:
        """Look after `jobs` until none is left."""
        for _ in self.run(jobs):
            pass

    def stop(self, job: J) -> None:
        """End a job that is not worth going on with."""
        running = next(running for other, running in self._under_way if other is job)
        running.terminate()
        running.wait()
        self._under_way = [pair for pair in self._under_way if pair[0] is not job]
        self._view.ended(job.name, "stopped")

    def _start(self, job: J) -> bool:
        """Whether it could be begun."""
        self._view.begun(job.name)
        try:
            self._under_way.append((job, self._executor.start(job)))
        except OSError as error:
            self._view.say(f"{job.name} could not be started: {error}")
            self._view.ended(job.name, "failed")
            return False
        return True

    def _show(self) -> None:
        for line in self._executor.news():
            self._view.say(line)
        for job in self.running:
            with suppress(WorldvaeError):  # damaged files are for the job to tell of
                self._view.show(job.name, job.progress)
        self._view.report()

    def _ended(self) -> list[tuple[J, bool]]:
        over = [pair for pair in self._under_way if pair[1].exit_code is not None]
        self._under_way = [pair for pair in self._under_way if pair not in over]
        for job, running in over:
            running.wait()
            if running.exit_code:
                self._view.say(f"{job.name} failed (see {job.log}): {running.last_words}")
            self._view.ended(job.name, "failed" if running.exit_code else "done")
        return [(job, running.exit_code == 0) for job, running in over]
