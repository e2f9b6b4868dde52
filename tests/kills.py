"""Work in processes of its own that SIGKILL ends, one after the other, at renames and removals."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes import PATIENCE

CALLS = ("replace", "rename", "unlink", "remove", "rmdir")

MOST = 200
"""Kills; work that takes more does not go on."""


@dataclass(frozen=True)
class Kill:
    """Before or after a call, on the `number`th file (from 0) of such a name."""

    call: str
    file: str
    after: bool
    number: int = 0

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} {self.call} {self.file} {self.number}"


def kill_everywhere(work: Callable[[], object], folder: Path, often: int = 1) -> list[Kill]:
    """Do `work` until it ends by itself, each time in a process of its own; where it was killed.

    Each is killed at the first rename or removal in `folder` at which none was killed so far:
    before it and after it, of each kind of file the first `often`.
    """
    kills: list[Kill] = []
    while (kill := _killed(work, folder, often, kills)) is not None:
        kills.append(kill)
        assert len(kills) < MOST, f"it does not go on: {kill}"
    return kills


def kill_at(work: Callable[[], object], folder: Path, place: int) -> Kill | None:
    """Do `work` in a process that is killed at its `place`th of all places; None: it has fewer."""
    return _killed(work, folder, 10**9, [], place)


def files_of(folder: Path) -> set[str]:
    """Names of all files in `folder`, without their numbers."""
    return {_kind(str(path.relative_to(folder))) for path in folder.rglob("*") if not path.is_dir()}


def _kind(name: str) -> str:
    """model_400.zip -> model_N.zip."""
    return re.sub(r"\d+", "N", re.sub(r"\.[0-9a-f]{8}\.tmp", ".tmp", name))


def _killed(
    work: Callable[[], object], folder: Path, often: int, known: list[Kill], place: int = 0
) -> Kill | None:
    """Where the next one was killed; None if it ended by itself."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _work(work, _Striker(folder, often, set(known), place, writer))
    os.close(writer)
    with open(reader) as pipe:
        said = pipe.read().split("\t")
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == -signal.SIGKILL and len(said) == 4:
        return Kill(said[0], said[1], bool(int(said[2])), int(said[3]))
    assert code == 0, f"the work failed after {', '.join(map(str, known)) or 'no kill'}"
    return None


def _work(work: Callable[[], object], striker: _Striker) -> None:
    status = 1
    try:
        signal.alarm(PATIENCE)
        for call in CALLS:
            setattr(os, call, striker.wrapped(call))
        work()
        status = 0
    finally:
        sys.stderr.flush()
        os._exit(status)


class _Striker:
    def __init__(self, folder: Path, often: int, known: set[Kill], place: int, writer: int) -> None:
        self._folder, self._often, self._known = str(folder.resolve()), often, known
        self._place, self._writer, self._own = place, writer, os.getpid()
        self._counts: dict[str, int] = {}

    def wrapped(self, call: str) -> Callable[..., Any]:
        real = getattr(os, call)

        def wrapper(*arguments: Any, **options: Any) -> Any:
            path = os.path.realpath(os.path.dirname(arguments[-1]))
            if os.getpid() != self._own or not path.startswith(self._folder):
                return real(*arguments, **options)
            name = re.sub(r"\w+\.png", "X.png", _kind(os.path.basename(arguments[-1])))
            number = self._counts[call + name] = self._counts.get(call + name, -1) + 1
            self._strike(Kill(call, name, False, number))
            try:
                return real(*arguments, **options)
            finally:
                self._strike(Kill(call, name, True, number))

        return wrapper

    def _strike(self, kill: Kill) -> None:
        seen = [one for one in self._known if (one.call, one.file, one.after) == kill_kind(kill)]
        if len(seen) >= self._often:
            return
        if self._place:
            self._place -= 1
            return
        os.write(self._writer, f"{kill.call}\t{kill.file}\t{kill.after:d}\t{kill.number}".encode())
        os.kill(os.getpid(), signal.SIGKILL)


def kill_kind(kill: Kill) -> tuple[str, str, bool]:
    """What is struck so `often`."""
    return kill.call, kill.file, kill.after


def leftovers(folder: Path) -> Iterator[Path]:
    """What a killed writer may leave and no finished folder holds."""
    for path in folder.rglob("*"):
        if ".tmp" in path.name or path.name == "checkpoint.pt":
            yield path
