"""What a comparison was made for, and what was known when that was said.

A comparison is declared while its outcome is unknown: before agents of both arms have finished.
`declared.jsonl` in the run's folder has a line for each change of what the configuration declares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pydantic import Field

from agents.config.sections import CompareConfig
from agents.run.agent_files import agent_folders, is_finished
from worldvae.json_files import Content, JsonLog
from worldvae.locks import locked

ArmPair = tuple[str, str]

PATIENCE = 60.0
"""Seconds to wait for another process that declares, which takes none."""


class Declaration(Content):
    """A line of `declared.jsonl`."""

    primary: tuple[ArmPair, ...] = Field(description="`compare.primary` from then on.")
    success_return: float | None = Field(description="`compare.success_return` from then on.")
    finished: tuple[str, ...] = Field(description="Arms of which an agent had finished by then.")

    def knows(self, pair: ArmPair) -> bool:
        """Return whether agents of both arms had finished, which tells how they compare."""
        return {*pair} <= {*self.finished}


NOTHING_DECLARED = Declaration(primary=(), success_return=None, finished=())
"""What holds before the first line."""

DECLARED = JsonLog(
    "declared.jsonl", Declaration, "restore it, or remove it, and what is declared from now counts"
)


@dataclass(frozen=True)
class Declared:
    """What counts as declared before its outcome was known, and what came too late for that."""

    early: tuple[ArmPair, ...] = ()
    late: tuple[ArmPair, ...] = ()
    success_is_late: bool = False
    """Whether `compare.success_return` was set when agents of several arms had finished; no
    comparison is early then."""


def declare(folder: Path, compare: CompareConfig) -> None:
    """Note what `compare` declares for the run in `folder`, unless that is its last line."""
    with locked(folder, "declaration", ".declared.lock", PATIENCE):
        last = [NOTHING_DECLARED, *DECLARED.read(folder)][-1]
        if (compare.primary, compare.success_return) == (last.primary, last.success_return):
            return
        finished = {path.parent.name for path in agent_folders(folder) if is_finished(path)}
        line = Declaration(
            primary=compare.primary,
            success_return=compare.success_return,
            finished=tuple(sorted(finished)),
        )
        DECLARED.append(folder, line)


def read_declared(folder: Path) -> Declared | None:
    """Return what the lines in `folder` amount to; None if it has none.

    What was declared early stays so: it can be withdrawn only while its outcome is unknown.
    """
    lines = DECLARED.read(folder)
    if not lines:
        return None
    early = list[ArmPair]()
    for line in lines:
        kept = [pair for pair in early if line.knows(pair) or _is_among(pair, line.primary)]
        early = kept + [
            pair for pair in line.primary if not (line.knows(pair) or _is_among(pair, kept))
        ]
    late = [pair for pair in lines[-1].primary if not _is_among(pair, early)]
    if _success_is_late(lines):
        return Declared((), (*early, *late), success_is_late=True)
    return Declared(tuple(early), tuple(late))


def _is_among(pair: ArmPair, pairs: Sequence[ArmPair]) -> bool:
    return any({*pair} == {*other} for other in pairs)


def _success_is_late(lines: Sequence[Declaration]) -> bool:
    """Return whether the present threshold of success came when scores of two arms were known."""
    changes = [
        line
        for before, line in pairwise([NOTHING_DECLARED, *lines])
        if line.success_return != before.success_return
    ]
    return bool(changes) and len(changes[-1].finished) > 1
