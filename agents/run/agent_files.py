"""The files of an agent's folder: whether it is finished, and whether its files are intact."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.run.agent_result import EPISODES, EVALUATIONS, RESULT
from agents.run.drift_log import DRIFT
from agents.run.seed_folders import part_folders, seed_folders, seed_of
from worldvae.checksum import damaged
from worldvae.errors import ArtifactError
from worldvae.files import sha256_file
from worldvae.json_files import JsonLog
from worldvae.jsonl import count_lines

VIDEO = "video.webm"
LOGS: tuple[JsonLog[Any], ...] = (EPISODES, EVALUATIONS, DRIFT)
REMEDY = "restore it, or remove the folder and train again"


def count_logs(folder: Path) -> dict[str, int]:
    """Return name -> number of lines for the logs in `folder`."""
    names = [log.name for log in LOGS]
    return {name: count_lines(folder / name) for name in names if (folder / name).exists()}


def check_counts(folder: Path, name: str, found: int, logged: Mapping[str, int]) -> None:
    """Raise ArtifactError if a log has fewer lines, `found`, than at the last checkpoint."""
    if found < logged.get(name, 0):
        raise ArtifactError(
            f"{folder / name}: {logged[name] - found} of {logged[name]} lines are missing since "
            "the last checkpoint; restore it, or go on without them"
        )


def agent_folders(run: Path, arm: str = "*") -> list[Path]:
    """Return the folders ARM/seed_K of a run's agents, the smallest seed of each arm first.

    Of a seed that has a run of its own they are those of that seed, see `misplaced_agents`.
    """
    found = [*seed_folders(run / "agents", arm)]
    for part in part_folders(run):
        found += [path for path in seed_folders(part / "agents", arm) if _is_own(part, path)]
    return sorted(found, key=lambda path: (path.parent.name, seed_of(path)))


def misplaced_agents(run: Path) -> list[Path]:
    """Return the folders of agents that lie in the run of another seed than theirs.

    They are on the encoder of that seed, or were moved, and are no agents of `run`.
    """
    parts = part_folders(run)
    found = [path for part in parts for path in seed_folders(part / "agents", "*")]
    return sorted(path for path in found if not _is_own(path.parents[2], path))


def _is_own(part: Path, agent: Path) -> bool:
    """Return whether `agent` is of the seed whose run is in the folder `part`."""
    return seed_of(part) == seed_of(agent)


def is_finished(folder: Path) -> bool:
    """Return whether the agent in `folder` has a result that is neither edited nor damaged."""
    return RESULT.is_whole(folder)


def hash_files(folder: Path) -> dict[str, str]:
    """Return name -> SHA-256 for the files that a report shows beside the result."""
    paths = [folder / name for name in (*(log.name for log in LOGS), VIDEO)]
    return {path.name: sha256_file(path) for path in paths if path.exists()}


def check_file(folder: Path, name: str, hashes: Mapping[str, str] | None) -> None:
    """Raise ArtifactError if a file of a finished agent does not match its recorded hash.

    `hashes` is the agent's `hash_files`; None if they were not recorded, as before an agent
    finishes.
    """
    path = folder / name
    if hashes is None or (name not in hashes and not path.exists()):
        return
    if not path.exists() or sha256_file(path) != hashes.get(name):
        raise damaged(path, REMEDY)
