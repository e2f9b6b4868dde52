"""What happens to a comparison from outside: killed workers, Ctrl-C, a full disk."""

from __future__ import annotations

import errno
import json
import os
import shlex
import signal
from pathlib import Path
from typing import Any

import pytest

from agents.config.experiment import Experiment
from agents.train import train
from tests.commands import Command, run
from tests.processes import wait_until, workers
from worldvae.errors import WorldvaeError

ROOT = Path(__file__).parents[2]
TINY = "tests/tiny.yaml"
CHILDREN = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
tells_children = pytest.mark.skipif(not CHILDREN.exists(), reason="the system does not tell them")


def words(runs: Path, seeds: str) -> list[str]:
    """A comparison of agents that takes no frames, and no longer than it must."""
    options = {
        "runs": str(runs),
        "name": "x",
        "compare.arms": "[pixels]",
        "compare.seeds": seeds,
        "agent.env_steps": "3000",
        "evaluation.every": "3000",
        "workers": "2",
    }
    return ["scripts.compare", TINY, *(f"--{key}={value}" for key, value in options.items())]


def folder(runs: Path, seed: int) -> Path:
    return runs / "x" / "agents" / "pixels" / f"seed_{seed}"


def start_and_wait(command: list[str], runs: Path) -> Command:
    """Until the agent of seed 0 has its first checkpoint."""
    process = Command(*command, alone=True)
    wait_until((folder(runs, 0) / "card.json").exists, "no checkpoint was written")
    return process


def went_on(runs: Path, seed: int) -> bool:
    """Whether its last beginning was at a checkpoint."""
    logs = (folder(runs, seed) / "log").iterdir()
    return max(int(log.name.removeprefix("from_")) for log in logs) > 0


@tells_children
def test_a_killed_worker_is_one_line_and_goes_on_when_called_again(tmp_path: Path) -> None:
    command = words(tmp_path, "[0, 1]")
    process = start_and_wait(command, tmp_path)
    os.kill(min(workers(process.pid)), signal.SIGKILL)  # they begin in the order of the seeds
    done = process.wait()
    assert done.returncode == 1
    failed = [line for line in done.stderr.splitlines() if "(see" in line]
    log = folder(tmp_path, 0) / "train.log"
    why = "killed by signal 9, as the system does when memory runs out"
    assert failed == [f"pixels seed 0 failed (see {log}): {why}"]
    assert not (folder(tmp_path, 0) / "result.json").exists()
    assert "agents/pixels/seed_0" in (tmp_path / "x" / "report.html").read_text()
    before = (folder(tmp_path, 1) / "result.json").stat().st_mtime_ns
    run(*command)
    assert went_on(tmp_path, 0)
    assert not went_on(tmp_path, 1)
    assert (folder(tmp_path, 1) / "result.json").stat().st_mtime_ns == before


def test_ctrl_c_says_the_command_that_goes_on(tmp_path: Path) -> None:
    process = start_and_wait(words(tmp_path, "[0]"), tmp_path)
    os.kill(process.pid, signal.SIGINT)
    done = process.wait()
    assert done.returncode == 130
    *_, stopping, last = done.stderr.splitlines()
    assert stopping == "stopping pixels seed 0"
    assert "Traceback" not in done.stderr
    said, _, command = last.partition(": ")
    assert said == "interrupted; to go on from here"
    python, *rest = shlex.split(command)
    assert (python, rest[0]) == ("python", "-m")
    run(*rest[1:])
    assert went_on(tmp_path, 0)


def experiment(runs: Path) -> Experiment:
    overrides = {"runs": str(runs), "name": "x", "evaluation.every": 10_000}
    return Experiment.load(ROOT / TINY, overrides)


def scores(runs: Path) -> dict[str, Any]:
    result = json.loads((folder(runs, 0) / "result.json").read_text())
    return {key: result[key] for key in ("env_steps", "evaluation")}


def fill_disk(patch: pytest.MonkeyPatch, name: str, room: int) -> None:
    """Leave room for `room` more writes to files whose name contains `name`."""
    real, left = Path.open, iter(range(room))

    def limited(path: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        is_write = name in path.name and bool({*mode} & {*"wax"})
        if is_write and next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, mode, *args, **options)

    patch.setattr(Path, "open", limited)


@pytest.mark.parametrize("file", ["model_", "card.json", "episodes.jsonl", "result.json"])
def test_a_full_disk_is_one_line_and_the_training_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """A checkpoint that cannot be written leaves the one before, from which it goes on."""
    room = 0 if file == "result.json" else 2
    with monkeypatch.context() as patch:
        fill_disk(patch, file, room)
        with pytest.raises(WorldvaeError, match=rf"{file}.*: No space left on device"):
            train(experiment(tmp_path), "pixels", 0)
    assert not (folder(tmp_path, 0) / "result.json").exists()
    assert not list(folder(tmp_path, 0).glob("*.tmp"))
    train(experiment(tmp_path), "pixels", 0)
    assert went_on(tmp_path, 0) == (file != "episodes.jsonl"), "two episodes end before it"
    assert scores(tmp_path)["env_steps"] >= 1200
    rows = [json.loads(line) for line in (folder(tmp_path, 0) / "episodes.jsonl").open()]
    steps = [row["env_steps"] for row in rows]
    assert steps == sorted(steps), "nothing is logged twice"
