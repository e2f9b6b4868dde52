"""Runs a study of encoders: environments x encoders x seeds, trained and measured, and on request
agents on each encoder.

Each cell of the grid has a folder of its own. The same command resumes an interrupted study.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from agents.arms.build import set_up
from agents.config.experiment import Experiment, check_settings
from agents.jobs.live_view import View
from agents.jobs.local import LocalProcesses
from agents.jobs.pool import Pool
from agents.prepare import ENCODED_BY, check_algorithm, collect_rollouts
from agents.run.command import exact_command
from agents.run.deciding import deciding
from agents.run.declared import STUDY_DECLARED, Declaration, Declared, note, read_declared
from agents.study.cells import Cell, CellAgent, grid
from agents.study.prediction import ScoredEncoder, can_be_ranked
from agents.study.report import write_study
from worldvae.autoencoders.networks import check_network
from worldvae.checksum import write_checked_yaml
from worldvae.config import to_yaml
from worldvae.diagnostics.numbers import NUMBERS
from worldvae.errors import TrainingError


def study(experiment: Experiment) -> bool:
    """Write config.yaml, study.csv, study.md and study.png into the experiment's folder.

    With agents on the encoders also returns.png. Returns whether all encoders and agents are in
    them. A second call runs only what is missing. An encoder or an agent that fails leaves a gap in
    the tables and does not stop the others. Raises TrainingError if no encoder was measured.
    """
    cells = list(grid(experiment))
    agents = [agent for cell in cells for agent in _agents_on(cell)]
    for cell in cells:
        check_settings(cell.folder, cell.experiment, ENCODED_BY)
        check_network(cell.experiment.pretrain.network, cell.experiment.env.frame.shape)
    for agent in agents:
        sections = deciding(experiment.study.arm)
        check_settings(agent.folder, agent.cell.experiment, sections)
    for cell in {agent.cell.env: agent.cell for agent in agents}.values():
        check_algorithm(set_up(cell.experiment, experiment.study.arm))
    for cell in {cell.env: cell for cell in cells}.values():
        collect_rollouts(cell.experiment)
    write_checked_yaml(experiment.folder / "config.yaml", to_yaml(experiment))
    _declare(experiment, _scored([cell for cell in cells if cell.is_done]))
    workers = experiment.study.workers
    _work_on("encoders", [cell for cell in cells if not cell.is_done], workers)
    measured = [cell for cell in cells if cell.is_done]
    if not measured:
        raise TrainingError(
            f"no encoder of {experiment.folder} was measured; its study.log files say why"
        )
    able = [agent for agent in agents if agent.cell in measured]
    _work_on("agents", [agent for agent in able if not agent.is_done], workers)
    missing = [cell.name for cell in cells if not cell.is_done]
    missing += [agent.name for agent in agents if not agent.is_done]
    return _report(experiment, measured, missing)


def _declare(experiment: Experiment, scored: Sequence[ScoredEncoder]) -> None:
    """Note which numbers the study is made for, and whether their outcome is known already."""
    known = tuple(NUMBERS) if can_be_ranked(scored) else ()
    primary = tuple((name,) for name in experiment.study.primary)
    note(STUDY_DECLARED, experiment.folder, Declaration(primary=primary, finished=known))


def _agents_on(cell: Cell) -> list[CellAgent]:
    command = exact_command()
    return [CellAgent(cell, seed, command) for seed in cell.experiment.study.agent_seeds]


def _work_on(what: str, waiting: Sequence[Cell | CellAgent], workers: int) -> None:
    if not waiting:
        return
    with (
        View(what, len(waiting)) as view,
        Pool[Cell | CellAgent](LocalProcesses(workers), view) as pool,
    ):
        pool.finish(waiting)


def _report(experiment: Experiment, measured: Sequence[Cell], missing: Sequence[str]) -> bool:
    """Write and print the study; return whether nothing is missing."""
    scores = [cell.scores for cell in measured]
    folder, settings = experiment.folder, experiment.study
    declared = read_declared(folder, STUDY_DECLARED) or Declared()
    text, *others = write_study(folder, scores, missing, _scored(measured), settings, declared)
    print(text.read_text())
    print(f"also written: {', '.join(map(str, others))}")
    if missing:
        print(f"not measured: {', '.join(missing)}", file=sys.stderr)
    return not missing


def _scored(measured: Sequence[Cell]) -> list[ScoredEncoder]:
    """Return each encoder with agents, its health and the returns of those that finished."""
    return [
        ScoredEncoder(
            encoder=cell.encoder,
            seed=cell.seed,
            health=cell.health,
            returns={agent.seed: agent.score for agent in _agents_on(cell) if agent.is_done},
        )
        for cell in measured
        if cell.has_agents
    ]
