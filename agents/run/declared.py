"""What a comparison or a study was made for, and what was known when that was said.

A comparison is declared while its outcome is unknown: before agents of both arms have finished.
`declared.jsonl` in the run's folder has a line for each change of what the configuration declares,
`study_declared.jsonl` for a study.
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

Names = tuple[str, ...]
"""What is declared: the two arms of a comparison, or the one number of a study."""

PATIENCE = 60.0
"""Seconds to wait for another process that declares, which takes none."""


class Declaration(Content):
    """A line: what is declared from then on."""

    primary: tuple[Names, ...] = Field(description="Arms in pairs, or numbers of a study.")
    success_return: float | None = Field(None, description="`compare.success_return`.")
    finished: Names = Field(
        (), description="Arms with a finished agent by then, or numbers that could be ranked."
    )

    def knows(self, names: Names) -> bool:
        """Return whether the outcome was known: all that it takes had finished."""
        return {*names} <= {*self.finished}


NOTHING_DECLARED = Declaration(primary=())
"""What holds before the first line."""

REMEDY = "restore it, or remove it, and what is declared from now counts"
DECLARED = JsonLog("declared.jsonl", Declaration, REMEDY)
STUDY_DECLARED = JsonLog("study_declared.jsonl", Declaration, REMEDY)


@dataclass(frozen=True)
class Declared:
    """What counts as declared before its outcome was known, and what came too late for that."""

    early: tuple[Names, ...] = ()
    late: tuple[Names, ...] = ()
    success_is_late: bool = False
    """Whether `compare.success_return` was set when agents of several arms had finished; no
    comparison is early then."""


def declare(folder: Path, compare: CompareConfig) -> None:
    """Note what `compare` declares for the run in `folder`, unless that is its last line."""
    finished = {path.parent.name for path in agent_folders(folder) if is_finished(path)}
    declared, success = compare.primary, compare.success_return
    line = Declaration(primary=declared, success_return=success, finished=tuple(sorted(finished)))
    note(DECLARED, folder, line)


def note(log: JsonLog[Declaration], folder: Path, line: Declaration) -> None:
    """Append `line` to the `log` in `folder` if it declares anything else than the last one."""
    with locked(folder, "declaration", ".declared.lock", PATIENCE):
        last = [NOTHING_DECLARED, *log.read(folder)][-1]
        if (line.primary, line.success_return) != (last.primary, last.success_return):
            log.append(folder, line)


def read_declared(folder: Path, log: JsonLog[Declaration] = DECLARED) -> Declared | None:
    """Return what the lines of the `log` in `folder` amount to; None if it has none.

    What was declared early stays so: it can be withdrawn only while its outcome is unknown.
    """
    lines = log.read(folder)
    if not lines:
        return None
    early = list[Names]()
    for line in lines:
        kept = [one for one in early if line.knows(one) or _is_among(one, line.primary)]
        early = kept + [
            one for one in line.primary if not (line.knows(one) or _is_among(one, kept))
        ]
    late = [one for one in lines[-1].primary if not _is_among(one, early)]
    if _success_is_late(lines):
        return Declared((), (*early, *late), success_is_late=True)
    return Declared(tuple(early), tuple(late))


def _is_among(names: Names, others: Sequence[Names]) -> bool:
    return any({*names} == {*other} for other in others)


def _success_is_late(lines: Sequence[Declaration]) -> bool:
    """Return whether the present threshold of success came when scores of two arms were known."""
    changes = [
        line
        for before, line in pairwise([NOTHING_DECLARED, *lines])
        if line.success_return != before.success_return
    ]
    return bool(changes) and len(changes[-1].finished) > 1
