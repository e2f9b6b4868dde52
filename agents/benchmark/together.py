"""Rows of several agents that learn at once on one machine, each with its share of the cores."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agents.arms.registry import UNTRAINED
from agents.benchmark.bench import Bench
from agents.benchmark.config import BenchmarkConfig
from agents.benchmark.learning import STEPS, begin_learning, car_racing
from agents.benchmark.measure import Comparison, Contest, Side, Stopwatch
from agents.benchmark.rows import Row
from agents.jobs.contract import RunningJob
from agents.jobs.local import LocalProcesses
from agents.jobs.progress import Progress
from worldvae.errors import TrainingError
from worldvae.machine import usable_cores

POLL_SECONDS = 0.02


def together_rows(config: BenchmarkConfig) -> tuple[Row, ...]:
    """Return a row for each number of agents for which there are cores: the sum of their rates."""
    return tuple(
        Row(
            f"agents-{count}",
            "Agents at once",
            f"{count} agents at once, CarRacing on latents, sum",
            "one agent alone",
            STEPS,
            None,
            partial(_compare, count=count),
        )
        for count in config.agents_at_once
        if count <= usable_cores()
    )


@dataclass(frozen=True)
class LearningJob:
    """An agent that says when it is ready, waits for the start, and says when it is done."""

    config: BenchmarkConfig
    folder: Path
    index: int

    @property
    def name(self) -> str:
        return f"agent {self.index}"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.index}.log"

    @property
    def work(self) -> Callable[[], object]:
        return partial(_learn, self.config, self.folder, self.index)

    @property
    def progress(self) -> Progress:
        return Progress(0, 1)


def _compare(bench: Bench, count: int) -> Comparison:
    return bench.compare(Contest(_learning(bench, count), _learning(bench, 1), warm_up=False))


def _learning(bench: Bench, count: int) -> Side:
    """Return a side in which `count` agents learn at once, as a comparison trains them.

    Starting their processes is not counted, nor is the first update of each.
    """

    def side(watch: Stopwatch) -> float:
        watch.stop()
        with bench.scratch() as folder:
            executor = LocalProcesses(count)
            jobs = [LearningJob(bench.config, folder, index) for index in range(count)]
            running = [executor.start(job) for job in jobs]
            try:
                _wait_for(folder, "ready", jobs, running)
                watch.start()
                (folder / "go").touch()
                _wait_for(folder, "done", jobs, running)
                watch.stop()
            finally:
                for job in running:
                    job.terminate()
                    job.wait()
        return count * car_racing(bench.config).env_steps

    return side


def _wait_for(
    folder: Path, what: str, jobs: Sequence[LearningJob], running: Sequence[RunningJob]
) -> None:
    """Wait until every job has written its file; raise TrainingError if one has failed."""
    paths = [folder / f"{job.index}.{what}" for job in jobs]
    while not all(path.exists() for path in paths):
        for job, process in zip(jobs, running, strict=True):
            if process.exit_code:
                raise TrainingError(f"{job.name} failed: {process.error_message}")
        time.sleep(POLL_SECONDS)


def _learn(config: BenchmarkConfig, folder: Path, index: int) -> None:
    bench = Bench(config)
    with closing(begin_learning(bench, car_racing(config), UNTRAINED, index)) as learning:
        (folder / f"{index}.ready").touch()
        while not (folder / "go").exists():
            time.sleep(POLL_SECONDS)
        learning.go_on()
        (folder / f"{index}.done").touch()
