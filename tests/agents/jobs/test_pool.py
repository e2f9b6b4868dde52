"""Real processes: how they end, what is said of it, and that none outlives its parent."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from agents.jobs import process
from agents.jobs.live_view import View
from agents.jobs.local import LocalProcesses, threads_per_job
from agents.jobs.pool import Pool
from agents.jobs.progress import Progress
from tests.agents.jobs.work import (
    be_killed,
    be_killed_as_a_parent,
    break_down,
    end_quietly,
    hang,
    make_a_mistake,
    note,
    note_share,
    tell,
)
from tests.processes import PATIENCE, children, is_alive, wait_until
from worldvae import machine
from worldvae.errors import WorldvaeError

ROOT = Path(__file__).parents[3]
CHILDREN = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")


@dataclass(frozen=True)
class Example:
    name: str
    log: Path
    work: Callable[[], object]

    @property
    def progress(self) -> Progress:
        return Progress(0, 1)


def work_for_ever(folder: Path) -> None:
    """A pool of two that never end: the parent to be killed."""
    # Whoever is started in the background of a shell inherits that it ignores Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run(folder, {name: partial(hang, folder, name) for name in ("a", "b")})


def pool_of(workers: int) -> Pool[Example]:
    return Pool(LocalProcesses(workers), View("examples", workers))


def failures(told: str) -> list[str]:
    """What was said of jobs that failed, or could not even begin."""
    return [line for line in told.splitlines() if "(see" in line or "could not" in line]


def run(folder: Path, work: dict[str, Callable[[], object]], workers: int = 2) -> dict[str, bool]:
    """Name -> whether it succeeded, in the order of their ends."""
    examples = [Example(name, folder / f"{name}.log", each) for name, each in work.items()]
    with pool_of(workers) as pool:
        return {job.name: succeeded for ended in pool.run(examples) for job, succeeded in ended}


def pids(folder: Path, names: Iterable[str]) -> list[int]:
    """The processes of jobs that hang, once all do."""
    paths = [folder / name for name in names]
    wait_until(lambda: all(path.exists() for path in paths), "a job did not begin")
    return [int(pid) for path in paths for pid in path.read_text().split()]


def start_parent(folder: Path) -> subprocess.Popen[bytes]:
    program = "import sys, pathlib; from tests.agents.jobs.test_pool import work_for_ever as work; "
    program += "work(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", program, folder]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)


@pytest.mark.skipif(not CHILDREN.exists(), reason="the system does not tell who lives")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_parent_that_ends_in_any_way_leaves_no_process(
    tmp_path: Path, end: signal.Signals
) -> None:
    parent = start_parent(tmp_path)
    family = pids(tmp_path, "ab")
    assert all(map(is_alive, family))
    parent.send_signal(end)
    parent.wait(PATIENCE)
    wait_until(lambda: not any(map(is_alive, family)), "a job outlived its parent")
    assert (tmp_path / "a.tidy").exists() == (end == signal.SIGINT)


@pytest.mark.skipif(not CHILDREN.exists(), reason="the system does not tell them")
def test_a_parent_killed_before_its_jobs_have_begun_leaves_no_process(tmp_path: Path) -> None:
    parent = start_parent(tmp_path)
    wait_until(lambda: len(children(parent.pid)) == 2, "no worker was started")
    workers = children(parent.pid)
    parent.kill()
    parent.wait(PATIENCE)
    wait_until(lambda: not any(map(is_alive, workers)), "a worker outlived its parent")


def test_a_failing_job_leaves_the_others_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fine = {name: partial(note, tmp_path / name, name) for name in ("first", "last")}
    work = {"first": fine["first"], "bad": break_down, "last": fine["last"]}
    assert run(tmp_path, work, workers=1) == {"first": True, "bad": False, "last": True}
    assert (tmp_path / "last").read_text() == "last"
    line = f"bad failed (see {tmp_path / 'bad.log'}): ValueError: nobody expected this"
    assert failures(capsys.readouterr().err) == [line]
    assert "in break_down" in (tmp_path / "bad.log").read_text()


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (make_a_mistake, "error: frames are missing; collect some"),
        (end_quietly, "exit code 3"),
        (be_killed, "killed by signal 9, as the system does when memory runs out"),
    ],
)
def test_a_failure_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], work: Callable[[], object], words: str
) -> None:
    (tmp_path / "it.log").write_text("what was printed the time before\n")
    assert run(tmp_path, {"it": work}) == {"it": False}
    line = f"it failed (see {tmp_path / 'it.log'}): {words}"
    assert failures(capsys.readouterr().err) == [line]
    assert (tmp_path / "it.log").read_text().startswith("what was printed the time before\n")


def test_what_a_killed_job_had_started_ends_too(tmp_path: Path) -> None:
    work = {"it": partial(be_killed_as_a_parent, tmp_path / "child")}
    assert run(tmp_path, work) == {"it": False}
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: not is_alive(child), "a child outlived its job")


@pytest.mark.parametrize("blocked", ["a file", "a full disk"])
def test_one_that_cannot_be_started_leaves_the_others_alone(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    blocked: str,
) -> None:
    """The folder of its log cannot be made."""
    folder = tmp_path / "bad"
    if blocked == "a file":
        folder.write_text("")
    else:
        make = Path.mkdir

        def refuse(path: Path, **options: bool) -> None:
            if path == folder:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            make(path, **options)

        monkeypatch.setattr(Path, "mkdir", refuse)
    bad = Example("bad", folder / "it.log", partial(note, tmp_path / "never", ""))
    fine = Example("fine", tmp_path / "fine.log", partial(note, tmp_path / "fine", ""))
    with pool_of(1) as pool:
        ended = [pair for over in pool.run([bad, fine]) for pair in over]
    assert ended == [(bad, False), (fine, True)]
    assert not (tmp_path / "never").exists()
    why = "File exists" if blocked == "a file" else "No space left on device"
    (line,) = failures(capsys.readouterr().err)
    assert re.fullmatch(rf"bad could not be started: .*{why}: .*/bad'", line)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_log_on_a_full_disk_stops_nobody_and_hides_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("fine", "bad"):
        (tmp_path / f"{name}.log").symlink_to("/dev/full")
    work = {"fine": partial(tell, tmp_path / "told"), "bad": make_a_mistake}
    assert run(tmp_path, work, workers=1) == {"fine": True, "bad": False}
    (line,) = failures(capsys.readouterr().err)
    assert line.endswith("error: frames are missing; collect some")


def test_progress_that_cannot_be_read_stops_nobody(tmp_path: Path) -> None:
    class Damaged(Example):
        @property
        def progress(self) -> Progress:
            raise WorldvaeError("episodes.jsonl: line 3 is damaged")

    job = Damaged("a", tmp_path / "a.log", partial(note, tmp_path / "a", ""))
    with pool_of(1) as pool:
        assert [pair for over in pool.run([job]) for pair in over] == [(job, True)]


def test_a_job_has_its_threads_its_log_and_nothing_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert run(tmp_path, {"it": partial(tell, tmp_path / "told")}) == {"it": True}
    assert (tmp_path / "told").read_text() == "1 passive ''"
    assert (tmp_path / "it.log").read_text() == "said aloud\n"


@pytest.mark.parametrize("deaf", [False, True])
def test_what_still_runs_at_the_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaf: bool
) -> None:
    """Asked first, so that it can tidy up; forced if it will not hear."""
    monkeypatch.setattr(process, "GRACE_SECONDS", 1.0 if deaf else PATIENCE)
    example = Example("a", tmp_path / "a.log", partial(hang, tmp_path, "a", deaf))
    with pool_of(1) as pool:
        next(pool.run([example]))
        family = pids(tmp_path, "a")
    wait_until(lambda: not any(map(is_alive, family)), "a job outlived its pool")
    assert (tmp_path / "a.tidy").exists() != deaf


def test_one_that_is_stopped_gives_its_place_to_the_next(tmp_path: Path) -> None:
    slow = Example("a", tmp_path / "a.log", partial(hang, tmp_path, "a"))
    other = Example("b", tmp_path / "b.log", partial(note, tmp_path / "b", ""))
    ended = []
    with pool_of(1) as pool:
        for over in pool.run([slow, other]):
            ended += over
            if slow in pool.running and (tmp_path / "a").exists():
                assert pool.running == [slow]
                pool.stop(slow)
                assert pool.running == []
    assert ended == [(other, True)]
    assert (tmp_path / "b").exists()


def test_jobs_are_taken_only_when_there_is_room(tmp_path: Path) -> None:
    taken = []

    def examples() -> Iterable[Example]:
        for name in "abc":
            taken.append(name)
            yield Example(name, tmp_path / f"{name}.log", partial(note, tmp_path / name, name))

    with pool_of(2) as pool:
        run = pool.run(examples())
        next(run)
        assert taken == ["a", "b"]
        assert sum(len(over) for over in run) <= 3
    assert taken == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("workers", "cores", "busy", "wished", "expected"),
    [
        (1, 2, 0.0, None, 2),
        (1, 2, 0.3, None, 2),  # what a desktop does by the way
        (1, 2, 1.0, None, 1),
        (1, 2, 2.0, None, 1),
        (2, 2, 0.0, None, 1),
        (2, 8, 3.0, None, 2),
        (4, 2, 0.0, None, 1),
        (1, 8, 0.0, "1", 1),
        (1, 8, 0.0, "3", 3),
        (4, 8, 0.0, "8", 2),
        (1, 4, 0.0, "2,1", 4),
    ],
)
def test_threads_are_an_even_share_of_free_cores(
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
    cores: int,
    busy: float,
    wished: str | None,
    expected: int,
) -> None:
    monkeypatch.setattr(machine, "busy_cores", lambda: busy)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    monkeypatch.delenv(machine.SHARE, raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS")
    if wished:
        monkeypatch.setenv("OMP_NUM_THREADS", wished)
    assert threads_per_job(workers) == expected


@pytest.mark.parametrize(("workers", "cores", "expected"), [(1, 2, 2), (2, 2, 1), (3, 16, 5)])
def test_jobs_step_their_environments_on_an_even_share_of_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, cores: int, expected: int
) -> None:
    monkeypatch.delenv(machine.SHARE, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    monkeypatch.setattr(machine, "busy_cores", lambda: 0.0)
    executor = LocalProcesses(workers)
    told = tmp_path / "cores"
    running = executor.start(Example("a", tmp_path / "a.log", partial(note_share, told)))
    wait_until(told.exists, "the job tells nothing")
    running.wait()
    assert told.read_text() == str(expected)
    first = executor.events()
    assert first == [
        f"{workers} at once on {cores} cores: environments of each on {expected}, networks with "
        "threads: 1"
    ]
    assert executor.events() == []
