"""The row of learning dynamics: optimiser steps of `fit`, against a plain loop over them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path

import torch
from torch import nn

from agents.benchmark.bench import Bench
from agents.benchmark.dreams import dynamics_of, encoder_of
from agents.benchmark.measure import Comparison, Contest, Side, Stopwatch
from agents.benchmark.rows import Row, Unit
from worldvae.dynamics.config import DynamicsConfig
from worldvae.dynamics.dynamics_data import DynamicsData
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.sequences import SequenceBatch
from worldvae.training.batches import shuffled_batches
from worldvae.training.resident import reader
from worldvae.training.run import TrainingRun

Learn = Callable[[SequenceBatch], None]


def dynamics_rows() -> tuple[Row, ...]:
    """Return the row of learning dynamics of CarRacing."""
    ours, plain = "steps of fit on dynamics", "plain loop: fp32, kernel by kernel"
    return (Row("dynamics-steps", "Dynamics", ours, plain, Unit("steps/s"), None, _step_speed),)


def _step_speed(bench: Bench) -> Comparison:
    row = bench.config.dynamics
    config = DynamicsConfig(**dict(bench.config.dream.network), batch_size=row.batch_size)
    return bench.compare(
        Contest(fit_steps(bench, config, row.steps), _plain_steps(bench, config, row.steps))
    )


def read_data(bench: Bench, config: DynamicsConfig) -> DynamicsData:
    """Return the codes of CarRacing's frames, which are encoded once."""
    store = bench.store(bench.config.car_racing)
    return DynamicsData.read(store, encoder_of(bench), config, dynamics_of(bench), bench.device)


def fit_steps(bench: Bench, config: DynamicsConfig, steps: int) -> Side:
    """Return a side that makes `steps` steps of `fit`; what comes before them is not counted."""
    place, seed = torch.device(bench.device), bench.seed("dynamics")

    def begin(model: Dynamics, folder: Path) -> Learn:
        return TrainingRun(model, config.fitting, folder, seed, place).learn

    return _steps(bench, config, steps, begin, resident=True)


def _plain_steps(bench: Bench, config: DynamicsConfig, steps: int) -> Side:
    """Return a side that learns the same in a loop as most scripts have it."""
    place, seed = torch.device(bench.device), bench.seed("dynamics")

    def begin(model: Dynamics, folder: Path) -> Learn:
        optimizer = torch.optim.Adam(model.parameters(), config.learning_rate)
        generator = torch.Generator(place).manual_seed(seed)

        def learn(batch: SequenceBatch) -> None:
            loss, _ = model.loss(batch.to(place), generator, 0)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
            optimizer.step()

        return learn

    return _steps(bench, config, steps, begin, resident=False)


def _steps(
    bench: Bench,
    config: DynamicsConfig,
    steps: int,
    begin: Callable[[Dynamics, Path], Learn],
    resident: bool,
) -> Side:
    """Return a side that times the steps of what `begin` makes of a new model and a folder.

    `resident`: batches come as `fit` reads them, from a GPU's memory where there is one.
    """
    place, seed = torch.device(bench.device), bench.seed("dynamics")
    data = read_data(bench, config)

    def side(watch: Stopwatch) -> float:
        watch.stop()
        train, model = data.windows["train"], data.model(config, seed).to(place)
        reads = reader(train, place) if resident else None
        batches = shuffled_batches(train, config.batch_size, seed, 0, read=reads)
        with bench.scratch() as folder, closing(batches):
            learn = begin(model, folder)
            watch.start()
            for batch in islice(batches, steps):
                learn(batch)
            watch.stop()
        return steps

    return side
