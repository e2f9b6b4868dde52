"""Several agents that learn at once: when the clock runs, and what is counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.benchmark import together
from agents.benchmark.bench import Bench
from agents.benchmark.config import BenchmarkConfig
from agents.benchmark.learning import Game
from agents.benchmark.measure import run_lap
from agents.benchmark.together import together_rows
from agents.jobs.contract import Job
from worldvae.errors import TrainingError

BEGINNING, LEARNING = 1.0, 0.1


class FakeLearning:
    """An agent that takes long to begin, and then learns for `LEARNING` seconds."""

    def go_on(self) -> None:
        time.sleep(LEARNING)

    def close(self) -> None:
        pass


def begin(bench: Bench, game: Game, arm: Any, index: int) -> FakeLearning:
    time.sleep(BEGINNING if index else 0)
    return FakeLearning()


def fail(bench: Bench, game: Game, arm: Any, index: int) -> FakeLearning:
    raise TrainingError("the environment is broken")


class RunningThread:
    """The work of a job in a thread of this process."""

    error_message = "the environment is broken"

    def __init__(self, work: Callable[[], object]) -> None:
        self.exit_code: int | None = None
        self._thread = threading.Thread(target=self._run, args=(work,))
        self._thread.start()

    def _run(self, work: Callable[[], object]) -> None:
        try:
            work()
            self.exit_code = 0
        except TrainingError:
            self.exit_code = 1

    def terminate(self) -> None:
        pass

    def wait(self) -> None:
        self._thread.join()


class Threads:
    """An executor of such jobs."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def start(self, job: Job) -> RunningThread:
        return RunningThread(job.work)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(together, "LocalProcesses", Threads)
    monkeypatch.setattr(together, "begin_learning", begin)
    ppo = {"updates": 3, "num_envs": 2, "settings": {"n_steps": 8, "batch_size": 8}}
    env = {"id": "CarRacing-v3", "action_repeat": 4}
    settings = {"folder": tmp_path, "ppo_car_racing": ppo, "car_racing": env}
    return Bench(BenchmarkConfig.model_validate(settings))


def test_the_clock_runs_from_when_all_are_ready_until_all_are_done(bench: Bench) -> None:
    lap = run_lap(together._learning(bench, 2))
    assert lap.amount == 2 * (3 * 2 * 8 * 4)
    assert LEARNING < lap.seconds < BEGINNING
    assert run_lap(together._learning(bench, 1)).amount == 3 * 2 * 8 * 4
    assert not list(bench.work.glob("scratch-*"))


def test_an_agent_that_fails_ends_the_row(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "begin_learning", fail)
    with pytest.raises(TrainingError, match="agent 0 failed: the environment is broken"):
        run_lap(together._learning(bench, 2))


def test_there_is_a_row_for_each_number_with_enough_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, names in ((1, []), (2, ["agents-2"]), (16, ["agents-2", "agents-4"])):
        monkeypatch.setattr(together, "usable_cores", lambda cores=cores: cores)
        assert [row.name for row in together_rows(BenchmarkConfig())] == names
