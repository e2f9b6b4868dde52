"""Environments x encoders x seeds: train every encoder, and measure what its latents keep.

No agent is trained. Each cell of the grid is a folder of its own and is done once; killed, the
same command goes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from tqdm import tqdm

from agents.experiment import Experiment, check_settings, record_settings
from agents.stages import ENCODED_BY, collect_rollouts
from agents.study_report import write_study
from worldvae.autoencoders import Encoder
from worldvae.config import UserError
from worldvae.diagnostics.scoring import score_encoder
from worldvae.files import atomic_write_text
from worldvae.pretraining import PretrainConfig, leave_untrained, pretrain
from worldvae.rollouts import RolloutStore


@dataclass(frozen=True)
class Cell:
    """One encoder of one environment and seed."""

    env: str
    encoder: str
    seed: int
    experiment: Experiment
    """The study's, with this environment and this encoder's settings."""

    @property
    def folder(self) -> Path:
        return self.experiment.folder / "encoders" / self.encoder / f"seed_{self.seed}"

    @property
    def is_done(self) -> bool:
        return (self.folder / "scores.json").exists()

    @property
    def scores(self) -> dict[str, Any]:
        return _json(self.folder / "scores.json")


def study(experiment: Experiment) -> Path:
    """Leave scores.csv, study.md and study.png in the experiment's folder; its path."""
    cells = list(grid(experiment))
    for cell in cells:
        check_settings(cell.folder / "settings.yaml", cell.experiment, ENCODED_BY)
    for cell in {cell.env: cell for cell in cells}.values():
        collect_rollouts(cell.experiment)
    _run([cell for cell in cells if not cell.is_done], experiment.study.workers)
    return write_study(experiment.folder, [cell.scores for cell in cells])


def grid(experiment: Experiment) -> Iterator[Cell]:
    """Every cell; raises UserError for an encoder whose settings do not fit."""
    settings = experiment.study
    for env in settings.envs or (experiment.env.id,):
        for seed in settings.seeds:
            for name, changes in settings.encoders.items():
                yield Cell(env, name, seed, _derived(experiment, env, name, changes))


def _derived(experiment: Experiment, env: str, name: str, changes: dict[str, Any]) -> Experiment:
    """The experiment of one cell: its environment, the changed keys of `pretrain`."""
    common = experiment.pretrain.model_dump(by_alias=True, exclude_unset=True)
    own = {key: value for key, value in changes.items() if key != "trained"}
    try:
        config = PretrainConfig.model_validate({**common, **own})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(("study.encoders", name, *map(str, first["loc"])))
        raise UserError(f"{where}: {first['msg']}") from None
    folder = f"{experiment.name}/{env.replace('/', '-')}"
    world = experiment.env.model_copy(update={"id": env})
    update = {"name": folder, "env": world, "pretrain": config}
    return experiment.model_copy(update=update)


def _run(waiting: list[Cell], workers: int) -> None:
    """Make those cells, `workers` at a time, each in a process of its own."""
    threads = max(1, (os.cpu_count() or 1) // workers)
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read by the workers, which are started anew
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(make, cell, threads): cell for cell in waiting}
        bar = tqdm(as_completed(running), total=len(running), desc="encoders", disable=None)
        try:
            for future in bar:
                future.result()
        except BaseException:  # the other cells would run on for hours before it is told
            pool.shutdown(cancel_futures=True)
            raise


def make(cell: Cell, threads: int) -> None:
    """Train one encoder and write its scores."""
    torch.set_num_threads(threads)
    store = RolloutStore(cell.experiment.rollouts_folder)
    encoder = _encoder(cell, store)
    record_settings(cell.folder / "settings.yaml", cell.experiment, ENCODED_BY)
    scores = score_encoder(encoder, store, cell.experiment.study.measures, cell.seed)
    result = {"env": cell.env, "encoder": cell.encoder, "seed": cell.seed, **scores}
    if (cell.folder / "result.json").exists():
        result["training_seconds"] = _json(cell.folder / "result.json")["seconds"]
    atomic_write_text(cell.folder / "scores.json", json.dumps(result, indent=1))


def _json(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(path.read_text())
    return values


def _encoder(cell: Cell, store: RolloutStore) -> Encoder:
    config, device = cell.experiment.pretrain, cell.experiment.torch_device
    if cell.experiment.study.encoders[cell.encoder].get("trained", True):
        return pretrain(store, config, cell.folder, cell.seed, device)
    return leave_untrained(store, config, cell.folder, cell.seed)
