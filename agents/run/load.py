"""Reads the folder of a comparison, and writes its `scores.csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from agents.arms.registry import rank
from agents.config.sections import CompareConfig
from agents.run.agent_card import AGENT_CARD, read_card
from agents.run.agent_files import agent_folders, check_counts, check_file, misplaced_agents
from agents.run.agent_result import EPISODES, EVALUATIONS, RESULT, AgentResult
from agents.run.declared import Declared, read_declared
from agents.run.records import AgentRecord, Run
from agents.run.seed_folders import part_folders, seed_of
from agents.run.stage_results import Cost, StageCost
from agents.run.stages import SHARED
from worldvae.autoencoders.encoder_files import CARD
from worldvae.checksum import HEADER, read_checked_bytes
from worldvae.config import read_yaml
from worldvae.errors import ArtifactError, WorldvaeError
from worldvae.files import atomic_write_text
from worldvae.folders import check_no_other
from worldvae.json_files import JsonFile, JsonLog
from worldvae.mistakes import Mistake

M = TypeVar("M", bound=BaseModel)

WRITTEN_AGAIN = "compare again with the CONFIG of the experiment, which writes it anew"

SCORES_HEADER = (
    "arm",
    "seed",
    "evaluation_episode",
    "episode_seed",
    "return",
    "length",
    "success",
    "env_steps",
    "seconds",
)


def read_run(folder: Path, planned: Sequence[tuple[str, int]] = ()) -> Run:
    """Read a run folder; `planned` names the (arm, seed) pairs of the complete run.

    Damaged files are left out and noted in `Run.damage`; raises ArtifactError without the folder.
    """
    check_no_other(folder, "run")
    path, damage = folder / "config.yaml", dict[str, str]()
    config = _read_config(path)  # checks it, before it is parsed
    settings = read_yaml(path) if config else {}
    compare = _compare_section(path, settings)
    declared = _read_declared(folder, compare, damage)
    damage |= {str(path): _misplaced(path) for path in misplaced_agents(folder)}
    parts = {seed_of(path): _read_part(path) for path in part_folders(folder)}
    return Run(
        folder=folder,
        config=config,
        settings=settings,
        stages=_read_stages(folder, damage),
        card=_read(folder / "encoder", CARD, "card", damage),
        agents=_read_agents(folder),
        planned=tuple(planned),
        compare=compare.model_copy(update={"primary": declared.early}),
        declared=declared,
        damage=damage,
        parts=parts,
    )


def _read_part(folder: Path) -> Run:
    """Read what the whole run needs of the run of one seed: all but its agents."""
    damage = dict[str, str]()
    return Run(
        folder=folder,
        config="",
        settings={},
        stages=_read_stages(folder, damage),
        card=_read(folder / "encoder", CARD, "card", damage),
        agents=(),
        damage=damage,
    )


def _misplaced(folder: Path) -> str:
    seed = seed_of(folder.parents[2])
    return (
        f"{folder}: an agent of seed {seed_of(folder)} in the run of seed {seed}; was it moved? "
        "Put it back, or remove it"
    )


def write_scores(run: Run) -> Path:
    """Write `scores.csv`, a line per evaluation episode; costs include the arm's charge."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(SCORES_HEADER)
    for arm in run.arms:
        for result in run.finished(arm).values():
            charge = run.of_seed(result.seed).known_charge(arm)
            writer.writerows(_score_rows(result, result.cost + charge))
    path = run.folder / "scores.csv"
    atomic_write_text(path, table.getvalue())
    return path


def curve(agent: AgentRecord, unit: str) -> NDArray[np.float64]:
    """Return held-out scores over "env_steps", "seconds" or "cpu_seconds", the final one last.

    Of several scores at one place, as of an agent that dreams and spends no real steps, it is the
    last one. See `AgentRecord.points` for CPU time that has none.

    Returns: Costs and scores, (2, points).
    """
    points = dict(agent.points(agent.measured, unit))
    return np.array([*points.items()], dtype=np.float64).reshape(-1, 2).T


def _score_rows(result: AgentResult, cost: Cost) -> list[tuple[object, ...]]:
    played = result.evaluation
    successes = ["" if success is None else int(success) for success in played.successes]
    episodes = zip(played.seeds, played.returns, played.lengths, successes, strict=True)
    return [
        (result.arm, result.seed, index, *episode, cost.env_steps, f"{cost.seconds:.3f}")
        for index, episode in enumerate(episodes)
    ]


def _read_agents(run: Path) -> tuple[AgentRecord, ...]:
    agents = [_read_agent(path) for path in agent_folders(run)]
    return tuple(sorted(agents, key=lambda agent: (rank(agent.arm), agent.arm, agent.seed)))


def _read_agent(folder: Path) -> AgentRecord:
    """Read the agent in `folder`; if its result is unreadable, return a record with the damage."""
    arm, seed = folder.parent.name, seed_of(folder)
    try:
        return _read_whole_agent(folder, arm, seed)
    except WorldvaeError as error:
        return AgentRecord(arm, seed, folder, (), (), None, damage=str(error))


def _read_whole_agent(folder: Path, arm: str, seed: int) -> AgentRecord:
    damaged_logs = list[str]()
    result = RESULT.read(folder) if RESULT.exists(folder) else None
    if result and (result.arm, result.seed) != (arm, seed):
        raise ArtifactError(
            f"{folder / RESULT.name}: belongs to arm {result.arm!r}, seed {result.seed}; "
            "was it moved?"
        )
    files = result.files if result else None
    logged = {} if result or not AGENT_CARD.exists(folder) else read_card(folder).logged
    return AgentRecord(
        arm=arm,
        seed=seed,
        folder=folder,
        evaluations=_read_lines(folder, EVALUATIONS, files, logged, damaged_logs),
        episodes=_read_lines(folder, EPISODES, files, logged, damaged_logs),
        result=result,
        damaged_logs=tuple(damaged_logs),
    )


def _read_stages(folder: Path, damage: dict[str, str]) -> dict[str, StageCost]:
    """Return the costs of the finished stages."""
    results = {
        stage.name: (stage, _read(folder / stage.folder, stage.file, stage.name, damage))
        for stage in SHARED
    }
    return {name: stage.cost(result) for name, (stage, result) in results.items() if result}


def _read(folder: Path, file: JsonFile[M], name: str, damage: dict[str, str]) -> M | None:
    """Return the content of `file`.

    None if it is missing, or damaged, which is noted in `damage`.
    """
    if not file.exists(folder):
        return None
    try:
        return file.read(folder)
    except WorldvaeError as error:
        damage[name] = str(error)
        return None


def _read_config(path: Path) -> str:
    """Return the text of the resolved configuration; empty if it is missing."""
    if not path.exists():
        return ""
    return read_checked_bytes(path, WRITTEN_AGAIN).removeprefix(HEADER).decode("utf-8")


def _compare_section(path: Path, settings: Mapping[str, Any]) -> CompareConfig:
    try:
        return CompareConfig.model_validate(settings.get("compare") or {})
    except ValidationError as error:
        raise ArtifactError(f"{path}: compare.{Mistake.of(error)}") from None


def _read_declared(folder: Path, compare: CompareConfig, damage: dict[str, str]) -> Declared:
    """Return what was declared; a run that no command has trained in or compared is believed."""
    try:
        return read_declared(folder) or Declared(early=compare.primary)
    except ArtifactError as error:
        damage["declaration"] = str(error)
        return Declared(late=compare.primary)


def _read_lines(
    folder: Path,
    log: JsonLog[M],
    files: Mapping[str, str] | None,
    logged: Mapping[str, int],
    damaged_logs: list[str],
) -> tuple[M, ...]:
    """Return the lines of a log; if it is damaged, note that in `damaged_logs` and return none.

    A finished agent's log is checked by the hashes in `files`, another one by the number of lines
    at the last checkpoint, `logged`.
    """
    try:
        check_file(folder, log.name, files)
        lines = log.read(folder)
        check_counts(folder, log.name, len(lines), logged)
    except WorldvaeError as error:
        damaged_logs.append(str(error))
        return ()
    return tuple(lines)
