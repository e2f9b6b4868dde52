"""The cells of a study, and the work on each: environments x encoders x seeds, and their agents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agents.agent_task import AgentTask
from agents.config.experiment import Experiment, record_settings
from agents.jobs.progress import Progress, agent_progress, encoder_progress
from agents.prepare import ENCODED_BY, STAGE
from agents.run.agent_files import is_finished
from agents.run.agent_result import RESULT
from agents.study.scores import SCORES, CellScores
from agents.train import carry_out
from worldvae.autoencoders.config import PretrainConfig
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.encoder_files import PRETRAINING
from worldvae.autoencoders.pretrain import make_untrained_encoder, pretrain
from worldvae.config import merge_sections
from worldvae.diagnostics.health import diagnose, write_health
from worldvae.diagnostics.metrics.encoder_scores import score_encoder
from worldvae.diagnostics.rules.evidence import HEALTH, Health
from worldvae.envs import EnvConfig
from worldvae.errors import ConfigError
from worldvae.fields import check_name, folder_name
from worldvae.keys import explain
from worldvae.locks import locked
from worldvae.rollouts import RolloutStore
from worldvae.training.device import torch_device


@dataclass(frozen=True)
class Cell:
    """One encoder in one environment, with one seed."""

    env: str
    encoder: str
    seed: int
    experiment: Experiment
    """The study's experiment with the environment and the encoder settings of this cell."""

    @property
    def name(self) -> str:
        return f"{self.env} {self.encoder} seed {self.seed}"

    @property
    def folder(self) -> Path:
        return self.experiment.folder / "encoders" / self.encoder / f"seed_{self.seed}"

    @property
    def log(self) -> Path:
        return self.folder / "study.log"

    @property
    def work(self) -> Callable[[], object]:
        return partial(make, self)

    @property
    def progress(self) -> Progress:
        return encoder_progress(self.folder, self.experiment.pretrain.steps)

    @property
    def is_done(self) -> bool:
        is_examined = not self.has_agents or HEALTH.is_whole(self.folder)
        return is_examined and SCORES.is_whole(self.folder) and self.is_measured

    @property
    def is_measured(self) -> bool:
        """Whether its scores are those of all measures that the study names now."""
        return {*self.experiment.study.measures} <= {*self.scores.measures}

    @property
    def has_agents(self) -> bool:
        """Whether agents are trained on its encoder, whose health is then examined."""
        return bool(self.experiment.study.agent_seeds)

    @property
    def scores(self) -> CellScores:
        return SCORES.read(self.folder)

    @property
    def health(self) -> Health:
        return HEALTH.read(self.folder)


@dataclass(frozen=True)
class CellAgent:
    """One agent on the encoder of a cell, with a seed of its own."""

    cell: Cell
    seed: int
    command: str
    """The command that the result names as its origin."""

    @property
    def task(self) -> AgentTask:
        """The training; the agent's folder lies in that of the encoder."""
        experiment, arm = self.cell.experiment, self.cell.experiment.study.arm
        return AgentTask.on_encoder(experiment, arm, self.seed, self.command, self.cell.folder)

    @property
    def name(self) -> str:
        return f"{self.cell.name} agent {self.seed}"

    @property
    def folder(self) -> Path:
        arm = self.cell.experiment.study.arm
        return self.cell.folder / "agents" / arm / f"seed_{self.seed}"

    @property
    def log(self) -> Path:
        return self.folder / "train.log"

    @property
    def work(self) -> Callable[[], object]:
        return partial(train_agent, self)

    @property
    def progress(self) -> Progress:
        return agent_progress(self.folder, self.cell.experiment.agent.env_steps)

    @property
    def is_done(self) -> bool:
        return is_finished(self.folder)

    @property
    def score(self) -> float:
        """The mean return of its evaluation episodes."""
        return RESULT.read(self.folder).score


def train_agent(agent: CellAgent) -> None:
    """Train one agent."""
    print(carry_out(agent.cell.experiment, agent.task))


def grid(experiment: Experiment) -> Iterator[Cell]:
    """Yield every cell; raises ConfigError for an encoder with invalid settings."""
    settings = experiment.study
    for env in settings.envs or (experiment.env.id,):
        for seed in settings.seeds:
            for name, changes in settings.encoders.items():
                yield Cell(env, name, seed, _derived(experiment, env, name, changes))


def _derived(experiment: Experiment, env: str, name: str, changes: dict[str, Any]) -> Experiment:
    """Return the experiment of one cell, with its environment and its changes to `pretrain`."""
    common = experiment.pretrain.model_dump(by_alias=True, exclude_unset=True)
    pretrain_keys = {key: value for key, value in changes.items() if key != "trained"}
    try:
        config = PretrainConfig.model_validate(
            merge_sections(common, pretrain_keys, PretrainConfig)
        )
    except ValidationError as error:
        key, message = explain(error, PretrainConfig)
        raise ConfigError(f"study.encoders.{name}.{key}{message}") from None
    try:
        world = experiment.env.renamed(env)
    except ValidationError as error:
        key, message = explain(error, EnvConfig)
        raise ConfigError(f"study.envs: {env}: {key}{message}") from None
    try:
        folder = f"{experiment.name}/{check_name(folder_name(env))}"
    except ValueError as error:
        raise ConfigError(f"study.envs: {env}: {error}") from None
    update = {"name": folder, "env": world, "pretrain": config}
    return experiment.model_copy(update=update)


def make(cell: Cell) -> None:
    """Train one encoder and write its scores."""
    with locked(cell.folder, "study", STAGE, alone=True):
        _make(cell)


def _make(cell: Cell) -> None:
    store = RolloutStore(cell.experiment.rollouts_folder)
    encoder = _encoder(cell, store)
    record_settings(cell.folder, cell.experiment, ENCODED_BY)
    scores = score_encoder(encoder, store, cell.experiment.study.measures, cell.seed)
    trained = PRETRAINING.read(cell.folder) if PRETRAINING.exists(cell.folder) else None
    result = CellScores(
        **dict(scores),
        env=cell.env,
        encoder=cell.encoder,
        seed=cell.seed,
        measures=cell.experiment.study.measures,
        training_seconds=trained and trained.seconds,
    )
    if cell.has_agents and not HEALTH.is_whole(cell.folder):
        write_health(diagnose(encoder, store, cell.seed), cell.folder)
    SCORES.write(cell.folder, result)


def _encoder(cell: Cell, store: RolloutStore) -> Encoder:
    config, device = cell.experiment.pretrain, torch_device(cell.experiment.device)
    if cell.experiment.study.encoders[cell.encoder].get("trained", True):
        return pretrain(store, config, cell.folder, cell.seed, device)
    return make_untrained_encoder(store, config, cell.folder, cell.seed)
