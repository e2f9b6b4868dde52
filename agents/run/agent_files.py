"""What says that an agent is trained and scored, and which files its result belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.run.agent_result import EPISODES, EVALUATIONS, RESULT
from agents.run.drift_log import DRIFT
from worldvae.checksum import damaged
from worldvae.errors import ArtifactError
from worldvae.files import count_lines, sha256_file
from worldvae.json_files import JsonLog

VIDEO = "video.webm"
LOGS: tuple[JsonLog[Any], ...] = (EPISODES, EVALUATIONS, DRIFT)
REMEDY = "restore it, or remove the folder and train again"


def count_logs(folder: Path) -> dict[str, int]:
    """Name -> lines of the logs in `folder`."""
    names = [log.name for log in LOGS]
    return {name: count_lines(folder / name) for name in names if (folder / name).exists()}


def check_counts(folder: Path, name: str, found: int, logged: Mapping[str, int]) -> None:
    """Raise ArtifactError if a log holds fewer lines, `found`, than the checkpoint counts."""
    if found < logged.get(name, 0):
        raise ArtifactError(
            f"{folder / name}: {logged[name] - found} of {logged[name]} lines are missing since "
            "the last checkpoint; restore it, or go on without them"
        )


def is_finished(folder: Path) -> bool:
    """Whether the agent in `folder` is done: a result that was edited or damaged counts as none."""
    return RESULT.is_whole(folder)


def hash_files(folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of the files that a report shows beside the result."""
    paths = [folder / name for name in (*(log.name for log in LOGS), VIDEO)]
    return {path.name: sha256_file(path) for path in paths if path.exists()}


def check_file(folder: Path, name: str, known: Mapping[str, str] | None) -> None:
    """Raise ArtifactError if a file of a finished agent is not what it was by its `hash_files`.

    None: they were not recorded, as of an agent that is not finished.
    """
    path = folder / name
    if known is None or (name not in known and not path.exists()):
        return
    if not path.exists() or sha256_file(path) != known.get(name):
        raise damaged(path, REMEDY)
