"""Runs a study of encoders: environments x encoders x seeds, trained and measured without agents.

Each cell of the grid has a folder of its own. The same command resumes an interrupted study.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agents.config.experiment import Experiment, check_settings, record_settings
from agents.jobs.live_view import View
from agents.jobs.local import LocalProcesses
from agents.jobs.pool import Pool
from agents.jobs.progress import Progress, encoder_progress
from agents.prepare import ENCODED_BY, STAGE, collect_rollouts
from agents.study.report import write_study
from agents.study.scores import SCORES, CellScores
from worldvae.autoencoders.config import PretrainConfig
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.encoder_files import PRETRAINING
from worldvae.autoencoders.pretrain import leave_untrained, pretrain
from worldvae.config import merge_sections
from worldvae.diagnostics.metrics.encoder_scores import score_encoder
from worldvae.envs import EnvConfig
from worldvae.errors import ConfigError, TrainingError
from worldvae.fields import check_name, folder_name
from worldvae.files import locked
from worldvae.keys import explain
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
        return SCORES.is_whole(self.folder)

    @property
    def scores(self) -> CellScores:
        return SCORES.read(self.folder)


def study(experiment: Experiment) -> bool:
    """Write scores.csv, study.md and study.png into the experiment's folder.

    Returns whether all encoders are in them. A second call runs only the missing cells. An encoder
    that fails leaves a gap in the tables and does not stop the others. Raises TrainingError if no
    encoder was measured.
    """
    cells = list(grid(experiment))
    for cell in cells:
        check_settings(cell.folder / "settings.yaml", cell.experiment, ENCODED_BY)
    for cell in {cell.env: cell for cell in cells}.values():
        collect_rollouts(cell.experiment)
    _run([cell for cell in cells if not cell.is_done], experiment.study.workers)
    missing = [cell.name for cell in cells if not cell.is_done]
    if len(missing) == len(cells):
        raise TrainingError(
            f"no encoder of {experiment.folder} was measured; its study.log files say why"
        )
    scores = [cell.scores for cell in cells if cell.is_done]
    path = write_study(experiment.folder, scores, missing)
    print(path.read_text())
    print(f"figure: {path.with_suffix('.png')}, every number: {path.with_name('scores.csv')}")
    if missing:
        print(f"not measured: {', '.join(missing)}", file=sys.stderr)
    return not missing


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
        folder = f"{experiment.name}/{check_name(folder_name(env))}"
    except ValueError as error:
        raise ConfigError(f"study.envs: {env}: {error}") from None
    world = EnvConfig.model_validate({**experiment.env.model_dump(by_alias=True), "id": env})
    update = {"name": folder, "env": world, "pretrain": config}
    return experiment.model_copy(update=update)


def _run(waiting: list[Cell], workers: int) -> None:
    """Run the cells in `waiting`, `workers` at a time."""
    with (
        View("encoders", len(waiting)) as view,
        Pool[Cell](LocalProcesses(workers), view) as pool,
    ):
        pool.finish(waiting)


def make(cell: Cell) -> None:
    """Train one encoder and write its scores."""
    with locked(cell.folder, "study", STAGE, alone=True):
        _make(cell)


def _make(cell: Cell) -> None:
    store = RolloutStore(cell.experiment.rollouts_folder)
    encoder = _encoder(cell, store)
    record_settings(cell.folder / "settings.yaml", cell.experiment, ENCODED_BY)
    scores = score_encoder(encoder, store, cell.experiment.study.measures, cell.seed)
    trained = PRETRAINING.read(cell.folder) if PRETRAINING.exists(cell.folder) else None
    result = CellScores(
        **dict(scores),
        env=cell.env,
        encoder=cell.encoder,
        seed=cell.seed,
        training_seconds=trained and trained.seconds,
    )
    SCORES.write(cell.folder, result)


def _encoder(cell: Cell, store: RolloutStore) -> Encoder:
    config, device = cell.experiment.pretrain, torch_device(cell.experiment.device)
    if cell.experiment.study.encoders[cell.encoder].get("trained", True):
        return pretrain(store, config, cell.folder, cell.seed, device)
    return leave_untrained(store, config, cell.folder, cell.seed)
