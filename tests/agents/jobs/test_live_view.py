"""What is seen of jobs under way, on a terminal and in a file; the clock is ours."""

from __future__ import annotations

import io
import re
import sys

import pytest
from rich.console import Console

from agents.jobs.live_view import View
from agents.jobs.progress import Progress


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def last_frame(printed: str) -> list[str]:
    """The lines that stand when all is over: each frame begins by wiping the one before."""
    frame = re.split(r"\x1b\[2K", printed)[-1]
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", frame)
    return [line.strip() for line in plain.replace("\r", "").splitlines() if line.strip()]


def on_terminal(clock: Clock, width: int = 120) -> tuple[View, Terminal]:
    terminal = Terminal()
    console = Console(file=terminal, force_terminal=True, width=width, _environ={"TERM": "xterm"})
    return View("train agents", 4, console, clock), terminal


def test_a_line_for_each_that_runs_and_one_for_all() -> None:
    clock = Clock()
    view, terminal = on_terminal(clock)
    with view:
        for name in ("latent seed 0", "pixels seed 0", "untrained seed 0"):
            view.started(name)
        view.ended("untrained seed 0", "failed")
        view.show("latent seed 0", Progress(10, 100, "return 7"))
        view.show("pixels seed 0", Progress(2000, 4000))
    everything, latent, pixels = last_frame(terminal.getvalue())
    assert everything.startswith("train agents")
    assert "0 done, 2 running, 1 waiting, 1 failed" in everything
    assert latent.startswith("latent seed 0")
    assert "10/100, return 7" in latent
    assert pixels.startswith("pixels seed 0")
    assert "2,000/4,000" in pixels


def test_a_failure_stays_above_and_is_not_cut() -> None:
    view, terminal = on_terminal(Clock(), width=40)
    line = f"latent seed 0 failed (see x.log): {'[red]words ' * 9}end"
    with view:
        view.started("pixels seed 0")
        view.say(line)
    assert line in terminal.getvalue()
    assert "failed" not in "".join(last_frame(terminal.getvalue())[1:])


@pytest.mark.parametrize("begin", [0, 1000])
def test_what_remains_is_told_by_the_pace_since_it_began(
    capsys: pytest.CaptureFixture[str], begin: int
) -> None:
    """10 steps in 10 seconds, 80 steps to go; what an earlier run did counts for nothing."""
    clock = Clock()
    view = View("train agents", 1, clock=clock)
    with view:
        view.started("a")
        for clock.now, done in ((43.0, 0), (53.0, 10), (63.0, 20)):
            view.show("a", Progress(begin + done, begin + 100, "return 1"))
            view.report()
    told = capsys.readouterr().err.splitlines()
    text = f"a {begin + 20:,}/{begin + 100:,}, return 1, ETA 0:01:20"
    assert told[-1] == f"train agents: 0 done, 1 running, 0 waiting; {text}"


def test_after_the_last_step_it_is_not_said_that_it_is_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Clock()
    with View("train agents", 1, clock=clock) as view:
        view.started("a")
        view.show("a", Progress(100, 100))
        clock.now = 60.0
        view.report()
    assert capsys.readouterr().err.endswith("a 100/100, finishing\n")


def test_without_a_terminal_plain_lines_and_at_most_one_a_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    clock = Clock()
    with View("train agents", 2, clock=clock) as view:
        view.started("a")
        for second in range(200):
            clock.now = float(second)
            view.show("a", Progress(0, 100))
            view.report()
        view.ended("a", "done")
        view.say("something [red]else")
    told = capsys.readouterr()
    assert told.out == ""
    assert not re.search(r"[^\x20-\x7e\n]", told.err)
    begins, *reports, ends, says = told.err.splitlines()
    assert begins == "a begins"
    waiting = "train agents: 0 done, 1 running, 1 waiting; a 0/100, ETA unknown"
    assert reports == [waiting] * 3, "after 60, 120 and 180 seconds"
    assert ends == "a done: 1 done, 0 running, 1 waiting"
    assert says == "something [red]else"


def test_what_is_stopped_is_neither_done_nor_failed(capsys: pytest.CaptureFixture[str]) -> None:
    with View("4 latents", 1) as view:
        view.started("a")
        view.ended("a", "stopped")
    told = capsys.readouterr().err.splitlines()[-1]
    assert told == "a stopped: 0 done, 0 running, 0 waiting, 1 stopped"


def test_a_terminal_is_what_standard_error_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with View("train agents", 1) as view:
        view.started("a")
    assert [line.split()[0] for line in last_frame(terminal.getvalue())] == ["train", "a"]
