"""What is seen of long work, on a terminal and in a log; the clock is ours."""

import io
import sys
from pathlib import Path

import pytest

from worldvae.envs import EnvConfig
from worldvae.progress import ProgressBar
from worldvae.rollouts import RolloutConfig, RolloutStore, collect


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_has_a_line_a_minute_and_one_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with ProgressBar("collect", 5_000, "frames", done=1_000, clock=clock) as bar:
        bar.reach(1_100)
        assert capsys.readouterr().err == ""
        for clock.now, done in ((59.0, 1_500), (60.0, 2_000), (90.0, 2_100), (121.0, 3_000)):
            bar.reach(done)
            bar.note("return=7")
        clock.now = 150.0
        bar.reach(5_000)
    assert capsys.readouterr().err.splitlines() == [
        "collect: 2,000/5,000 frames, return=7, ETA 0:03:00",
        "collect: 3,000/5,000 frames, return=7, ETA 0:02:01",
        "collect: 5,000/5,000 frames, return=7, took 0:02:30",
    ]


def test_no_pace_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    bar = ProgressBar("fit", 10, "steps", clock=clock)
    clock.now = 61
    bar.reach(0)
    assert capsys.readouterr().err == "fit: 0/10 steps, ETA unknown\n"


def test_what_is_hidden_or_went_wrong_has_no_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with ProgressBar("fit", 10, "steps", hidden=True, clock=clock) as bar:
        clock.now = 100
        bar.reach(5)
    with pytest.raises(KeyError), ProgressBar("fit", 10, "steps", clock=clock) as bar:
        raise KeyError
    assert capsys.readouterr().err == ""


def test_a_terminal_has_a_bar_and_no_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, clock = Terminal(), Clock()
    monkeypatch.setattr(sys, "stderr", terminal)
    with ProgressBar("collect", 100, "frames", clock=clock) as bar:
        clock.now = 1_000
        bar.note("return=7")
        bar.reach(100)
    shown = terminal.getvalue()
    assert "\n" not in shown.strip()
    assert "collect: 100%" in shown
    assert "100/100 [" in shown
    assert "return=7" in shown
    assert "took" not in shown


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_log_that_is_full_loses_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Full())
    with ProgressBar("collect", 1, "frames") as bar:
        bar.reach(1)


def test_a_collection_says_that_it_has_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env = EnvConfig(**{"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"})
    store = RolloutStore.create(tmp_path, env)
    collect(store, RolloutConfig(frames=100, num_envs=2, policies={"random": 1.0}), seed=0)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"collect: {store.num_frames}/100 frames, took 0:00:0")
