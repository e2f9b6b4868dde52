"""What a node does with a job, without any cluster."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from agents.jobs import node
from agents.jobs.node import run_exclusively, run_in_process
from agents.jobs.process import Process
from tests.agents.jobs.work import be_killed, count_up, hang, note
from tests.processes import is_alive, wait_until
from worldvae.errors import WorldvaeError
from worldvae.jsonl import read_jsonl

ROOT = Path(__file__).parents[3]
STEPS = 5


def test_two_nodes_never_work_on_one_job_and_the_second_goes_on(tmp_path: Path) -> None:
    """As when a node was taken for dead that was not: its job is begun again while it runs."""
    log = tmp_path / "a.log"
    note(tmp_path / "go", "")
    work = partial(run_exclusively, log, "a", partial(count_up, tmp_path, "a", STEPS))
    with ThreadPoolExecutor() as nodes:
        ends = list(nodes.map(lambda _: run_in_process(work, log, 1, ROOT), range(2)))
    assert sorted(code for code, _ in ends) == [0, 0]
    assert read_jsonl(tmp_path / "a.steps") == [{"step": step} for step in range(STEPS)]
    assert log.read_text().count("a on ") == 2


def test_the_node_that_got_the_job_first_is_killed_and_the_second_takes_over(
    tmp_path: Path,
) -> None:
    log = tmp_path / "a.log"
    note(tmp_path / "go", "")
    work = partial(run_exclusively, log, "a", partial(count_up, tmp_path, "a", STEPS))
    first = Process(work, log, 1, ROOT)
    wait_until((tmp_path / "a.steps").exists, "the first did not begin")
    with ThreadPoolExecutor() as nodes:
        second = nodes.submit(run_in_process, work, log, 1, ROOT)
        os.kill(int((tmp_path / "a.begun").read_text()), signal.SIGKILL)
        first.wait()
        assert second.result()[0] == 0
    assert (tmp_path / "a.result").read_text() == str(STEPS)
    assert len((tmp_path / "a.steps").read_text().splitlines()) == STEPS


def test_who_has_waited_long_enough_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "PATIENCE_SECONDS", 0.0)
    inner = partial(run_exclusively, tmp_path / "a.log", "a", be_killed)
    with pytest.raises(WorldvaeError, match="another a is running here"):
        run_exclusively(tmp_path / "a.log", "a", inner)


def test_what_cannot_be_started_is_a_failure_that_names_the_machine(tmp_path: Path) -> None:
    code, words = run_in_process(be_killed, tmp_path / "a.log", 1, tmp_path / "no-such-checkout")
    assert code == 1
    assert words.startswith("could not be started on ")
    assert f"{tmp_path / 'no-such-checkout'}: No such file or directory" in words


def test_a_task_that_is_interrupted_ends_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        wait_until((tmp_path / "a").exists, "it did not begin")
        raise KeyboardInterrupt

    monkeypatch.setattr(node, "time", SimpleNamespace(sleep=interrupt))
    with pytest.raises(KeyboardInterrupt):
        run_in_process(partial(hang, tmp_path, "a"), tmp_path / "a.log", 1, ROOT)
    assert not any(is_alive(int(pid)) for pid in (tmp_path / "a").read_text().split())
    assert (tmp_path / "a.tidy").exists()
