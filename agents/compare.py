"""Runs a comparison: prepares what the arms need, trains the missing agents, writes the report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from agents.arms.build import set_up
from agents.config.experiment import Experiment, check_settings
from agents.config.sections import CompareConfig
from agents.jobs.executor import check_executor, make_executor
from agents.jobs.exit import run as run_command
from agents.jobs.live_view import View
from agents.jobs.pool import Pool
from agents.jobs.progress import Progress, agent_progress
from agents.prepare import prepare
from agents.report.html import write_report
from agents.report.multi_env import write_several
from agents.report.sections.overview import write_overview
from agents.report.summary import summarise
from agents.report.tables.terminal import summary_table
from agents.run.agent_files import agent_folders, is_finished
from agents.run.command import command_of
from agents.run.deciding import deciding
from agents.run.declared import declare
from agents.run.load import read_run, write_scores
from agents.run.records import Run
from agents.run.seed_folders import seed_of
from agents.run.sharing import check_datasets, check_sharing
from agents.train import train
from agents.video.play import film_side_by_side
from worldvae.checksum import write_checked_yaml
from worldvae.config import to_yaml
from worldvae.errors import ArtifactError, WorldvaeError
from worldvae.files import drop_unfinished
from worldvae.locks import locked
from worldvae.stats import Resampling


@dataclass(frozen=True)
class AgentJob:
    """The training of one agent, in a process of its own."""

    experiment: Experiment
    """The whole experiment in the agent's environment, whose file another terminal may write anew
    meanwhile."""
    arm: str
    seed: int
    env_steps: int
    """Environment steps of its training, real or dreamed."""
    where: str = ""
    """" in ENVIRONMENT" if there are several, else empty."""

    @property
    def name(self) -> str:
        return f"{self.arm} seed {self.seed}{self.where}"

    @property
    def folder(self) -> Path:
        return self.experiment.of_seed(self.seed).agent_folder(self.arm, self.seed)

    @property
    def log(self) -> Path:
        return self.folder / "train.log"

    @property
    def work(self) -> Callable[[], object]:
        return partial(_train_prepared, self.experiment, self.arm, self.seed)

    @property
    def is_done(self) -> bool:
        return is_finished(self.folder)

    @property
    def progress(self) -> Progress:
        return agent_progress(self.folder, self.env_steps)


REPORTED = "config.yaml", "scores.csv", "report.html", "report.md", "overview.png"
"""The files of a run that are written while its report is locked."""

REPORT_PATIENCE = 600.0
"""Seconds to wait for another process that writes the report, which takes less than a minute."""

Plans = list[tuple[Experiment, list[AgentJob]]]
"""The experiment in each environment, with its trainings."""


def compare(experiment: Experiment) -> bool:
    """Write `scores.csv` and reports into the experiment's folder.

    Returns whether all agents finished. A second call does only what is missing. An agent that
    fails is listed in the report as missing and does not stop the others.
    """
    plans = _plans(experiment)
    if any(not job.is_done for _, jobs in plans for job in jobs):
        check_executor(experiment.compare.executor)
    _warn_of_undecided(experiment.compare, plans)
    for task, _ in plans:
        check_datasets(task)
    for task, _ in plans:
        for part in task.parts:
            if part is not task:
                print(f"frames and encoder of seed {part.seed}: {part.folder}", flush=True)
            prepare(part, task.compare.arms)
        _write_config(task)
    _run([job for _, jobs in plans for job in jobs if not job.is_done], experiment.compare)
    return _report(experiment.folder, plans)


def report_finished(experiment: Experiment) -> None:
    """Write the reports of the agents that have finished so far, without training any.

    Other agents may be in training meanwhile. Raises ArtifactError if none has finished.
    """
    plans = _plans(experiment)
    if not any(job.is_done for _, jobs in plans for job in jobs):
        raise ArtifactError(
            f"{experiment.folder} holds no finished agent; train them by the same command "
            "without --report"
        )
    for task, _ in plans:  # an environment without any agent has a report of holes
        _write_config(task)
    _report(experiment.folder, plans)


def _warn_of_undecided(config: CompareConfig, plans: Plans) -> None:
    """Say before hours of training that a declared comparison will lack an arm."""
    trained = {path.parent.name for task, _ in plans for path in agent_folders(task.folder)} | set(
        config.arms
    )
    if undecided := config.undecided(trained):
        warnings.warn(
            f"compare.primary declares what this run will not compare: {', '.join(undecided)}; to "
            "compare it, name the arm in compare.arms",
            stacklevel=2,
        )


def _plans(experiment: Experiment) -> Plans:
    tasks = experiment.tasks
    return [
        (task, plan(task, where=f" in {env_id}" if len(tasks) > 1 else ""))
        for env_id, task in tasks.items()
    ]


def _write_config(task: Experiment) -> None:
    """Write the file that the report reads, with those of its parts, and note what it declares."""
    for run in (task, *(part for part in task.parts if part is not task)):
        with _reporting(run.folder):
            write_checked_yaml(_config_of(run), to_yaml(run))
    declare(task.folder, task.compare)


def _config_of(task: Experiment) -> Path:
    return task.folder / "config.yaml"


def _report(folder: Path, plans: Plans) -> bool:
    """Write the reports of `plans`, one over all into `folder`; return whether all finished."""
    runs = [report(task.folder, jobs) for task, jobs in plans]
    if len(runs) > 1:
        with _reporting(folder):
            page = write_several(folder, runs)
        print(f"report over all environments: {page}")
    jobs = [job for _, task_jobs in plans for job in task_jobs]
    return all(job.is_done for job in jobs) and not any(run.damage_before_agents for run in runs)


def plan(experiment: Experiment, where: str = "") -> list[AgentJob]:
    """Return the trainings of a comparison in one environment.

    Raises ArtifactError if an agent in its folder was trained with other settings, because the
    report includes all agents there, or if only some of them share an encoder.
    """
    env_steps = {arm: set_up(experiment, arm).agent.env_steps for arm in experiment.compare.arms}
    check_sharing(experiment)
    for folder in agent_folders(experiment.folder):
        of_seed = experiment.of_seed(seed_of(folder))
        check_settings(folder, of_seed, deciding(folder.parent.name))
    return [
        AgentJob(experiment, arm, seed, env_steps[arm], where)
        for seed in experiment.compare.seeds
        for arm in experiment.compare.arms
    ]


def report(folder: Path, jobs: Sequence[AgentJob]) -> Run:
    """Write and print the report of `jobs`, all trainings of the comparison in `folder`."""
    if all(job.is_done for job in jobs):
        _film(folder)
    with _reporting(folder):
        run = read_run(folder, [(job.arm, job.seed) for job in jobs])
        write_scores(run)
        summary = summarise(run, Resampling.seeded(0))
        write_overview(run)
        page = write_report(run, summary)
    print(summary_table(summary.arms, summary.decimals))
    print(f"report: {page}")
    return run


@contextmanager
def _reporting(folder: Path) -> Iterator[None]:
    """Hold the lock on the run's own files; waits for another process that holds it."""
    with locked(folder, "report", ".report.lock", REPORT_PATIENCE):
        drop_unfinished(folder, names=REPORTED)  # others, as films, are of those who write them
        yield


def _film(folder: Path) -> None:
    """Film the agents side by side; a failure is a warning, because the report needs no film."""
    try:
        film_side_by_side(folder)
    except (WorldvaeError, ValidationError) as error:  # ValidationError: a return of NaN
        reason = str(error).splitlines()[0]
        warnings.warn(f"no film of the agents: {reason}", stacklevel=2)


def _run(waiting: list[AgentJob], config: CompareConfig) -> None:
    """Train the agents, `config.workers` at a time."""
    if not waiting:
        return
    executor = make_executor(config.executor, config.workers)
    with (
        View("train agents", len(waiting)) as view,
        Pool[AgentJob](executor, view) as pool,
    ):
        pool.finish(waiting)


def _train_prepared(experiment: Experiment, arm: str, seed: int) -> None:
    """Train a prepared agent; its result names the command that trains this agent alone."""
    command = command_of("train", _config_of(experiment), "--arm", arm, "--seed", seed)

    def work() -> None:
        print(train(experiment, arm, seed, command))

    run_command(work, command)
