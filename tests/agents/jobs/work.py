"""What jobs of the tests do; it imports next to nothing, so that they begin at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

from worldvae.errors import WorldvaeError
from worldvae.jsonl import append_jsonl, read_jsonl


def note(path: Path, text: str) -> None:
    path.write_text(text)


def tell(path: Path) -> None:
    """What a job was given."""
    print("said aloud")
    names = "OMP_NUM_THREADS", "OMP_WAIT_POLICY"
    note(path, " ".join([*(os.environ[name] for name in names), repr(sys.stdin.read())]))


def note_share(path: Path) -> None:
    note(path, os.environ["WORLDVAE_CORES"])


def make_a_mistake() -> None:
    raise WorldvaeError("frames are missing; collect some")


def break_down() -> None:
    raise ValueError("nobody expected this")


def end_quietly() -> None:
    sys.exit(3)


def be_killed() -> None:
    print("last line of all", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def be_killed_as_a_parent(path: Path) -> None:
    """Leave a child that does not notice."""
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(1000,))
    child.start()
    note(path, str(child.pid))
    be_killed()


def count_up(folder: Path, name: str, steps: int) -> None:
    """Log each step once, going on after the last; note who began, and the end only once.

    Nobody counts before `folder` holds a file `go`.
    """
    done, log = folder / f"{name}.result", folder / f"{name}.steps"
    with (folder / f"{name}.begun").open("a") as begun:
        begun.write(f"{os.getpid()}\n")
    if done.exists():
        return
    while not (folder / "go").exists():
        time.sleep(0.05)
    for step in range(len(read_jsonl(log)), steps):
        append_jsonl(log, {"step": step})
        time.sleep(0.5)
    with done.open("x") as file:
        file.write(str(steps))


def hang(folder: Path, name: str, deaf: bool = False) -> None:
    """Start a child, say who both are, and tidy up when asked to end, unless it is deaf."""
    if deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = multiprocessing.get_context("fork").Process(
        target=time.sleep, args=(1000,), daemon=True
    )
    child.start()
    try:
        (folder / f".{name}").write_text(f"{os.getpid()} {child.pid}")
        (folder / f".{name}").replace(folder / name)
        time.sleep(1000)
    finally:
        note(folder / f"{name}.tidy", "")
