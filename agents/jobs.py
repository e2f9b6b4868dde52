"""Independent jobs, some at a time, each in a process of its own that ends with this one.

A job may be ended at any moment and called again goes on, so the pool ends all of them as soon as
it is left, and a pool whose own process was killed leaves none behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from tqdm import tqdm

from agents import worker
from worldvae.pretraining import busy_cores

POLL_SECONDS = 0.5
GRACE_SECONDS = 10.0
"""What a job that is stopped may take to tidy up."""


class Job(Protocol):
    """Something to do, elsewhere."""

    @property
    def name(self) -> str:
        """In what is said of its failure."""

    @property
    def log(self) -> Path:
        """All that it prints is added to this file."""

    @property
    def work(self) -> Callable[[], object]:
        """Called in the other process; pickled, so of functions that can be imported there."""


J = TypeVar("J", bound=Job)


class Process:
    """A job under way, in a process group of its own, so that what it starts ends with it."""

    def __init__(self, job: Job, threads: int) -> None:
        environment = {"OMP_WAIT_POLICY": "passive", **os.environ, "OMP_NUM_THREADS": str(threads)}
        job.log.parent.mkdir(parents=True, exist_ok=True)
        with job.log.open("ab") as log:
            self._log, self._begin = job.log, log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "agents.worker"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                process_group=0,
            )
        assert self._process.stdin is not None
        self._lifeline = self._process.stdin
        with suppress(BrokenPipeError):  # it has ended already, and its log says why
            worker.send(job.work, self._lifeline)
            self._lifeline.flush()

    @property
    def exit_code(self) -> int | None:
        """None while it runs, below 0 if a signal ended it."""
        return self._process.poll()

    @property
    def last_words(self) -> str:
        """What is to be said of a job that failed: the last line it printed, if it could."""
        code = self.exit_code
        if code is not None and code < 0:  # it had no time to print anything
            return f"killed by signal {-code}"
        with self._log.open("rb") as log:
            log.seek(self._begin)
            lines = log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {code}"

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def wait(self) -> None:
        """Until it has ended, by force if it takes too long."""
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        with suppress(BrokenPipeError):
            self._lifeline.close()


class Pool(Generic[J]):
    """Runs jobs in a `with` block, at whose end it ends those that still run.

    A job that fails is told of in a line above the bar and leaves the others alone.
    """

    def __init__(self, workers: int, bar: tqdm[None]) -> None:
        self._workers, self._threads, self._bar = workers, threads_each(workers), bar
        self._processes: list[tuple[J, Process]] = []

    def __enter__(self) -> Pool[J]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for _, process in self._processes:
            process.terminate()
        for _, process in self._processes:
            process.wait()

    @property
    def running(self) -> list[J]:
        """The jobs under way, the oldest first."""
        return [job for job, _ in self._processes]

    def run(self, jobs: Iterable[J]) -> Iterator[list[tuple[J, bool]]]:
        """Look after `jobs` until none is left; each is taken when there is room for it.

        Twice a second, those that have ended since, and whether they did what they had to.
        """
        waiting = iter(jobs)
        while True:
            for job in islice(waiting, self._workers - len(self._processes)):
                self._processes.append((job, Process(job, self._threads)))
            if not self._processes:
                return
            time.sleep(POLL_SECONDS)
            yield self._ended()

    def stop(self, job: J) -> None:
        """End a job that is not worth going on with."""
        process = next(process for other, process in self._processes if other is job)
        process.terminate()
        process.wait()
        self._processes = [pair for pair in self._processes if pair[0] is not job]

    def _ended(self) -> list[tuple[J, bool]]:
        over = [pair for pair in self._processes if pair[1].exit_code is not None]
        self._processes = [pair for pair in self._processes if pair not in over]
        for job, process in over:
            process.wait()
            if process.exit_code:
                line = f"{job.name} failed (see {job.log}): {process.last_words}"
                self._bar.write(line, file=sys.stderr)
        return [(job, process.exit_code == 0) for job, process in over]


def threads_each(workers: int) -> int:
    """Threads for each of `workers` jobs: an even share of the cores that nobody else uses.

    Never more than OMP_NUM_THREADS, which stays the way to have the same number, and so the same
    last bits of a result, beside any company.
    """
    cores = os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    most = min(cores // workers, int(wanted) if wanted.isdecimal() else cores)
    if most <= 1:
        return 1
    free = int(cores + 0.5 - busy_cores())
    return max(1, min(most, free // workers))
