"""The row of learning dynamics: optimiser steps of `fit`, against a plain loop over them."""

from __future__ import annotations

from contextlib import closing
from itertools import islice

import torch
from torch import nn

from agents.benchmark.bench import Bench
from agents.benchmark.dreams import dynamics_of, encoder_of
from agents.benchmark.measure import Comparison, Contest, Side, Stopwatch
from agents.benchmark.rows import Row, Unit
from worldvae.dynamics.config import DynamicsConfig
from worldvae.dynamics.learn import DynamicsData
from worldvae.training.batches import shuffled_batches
from worldvae.training.resident import reader
from worldvae.training.run import TrainingRun


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
    data = read_data(bench, config)

    def side(watch: Stopwatch) -> float:
        watch.stop()
        train, model = data.windows["train"], data.model(config, seed).to(place)
        with bench.scratch() as folder:
            run = TrainingRun(model, config.fitting, folder, seed, place)
            reads = reader(train, place)
            with closing(
                shuffled_batches(train, config.batch_size, seed, 0, read=reads)
            ) as batches:
                watch.start()
                for batch in islice(batches, steps):
                    run.learn(batch)
                watch.stop()
        return steps

    return side


def _plain_steps(bench: Bench, config: DynamicsConfig, steps: int) -> Side:
    """Return a side that learns the same in a loop as most scripts have it."""
    place, seed = torch.device(bench.device), bench.seed("dynamics")
    data = read_data(bench, config)

    def side(watch: Stopwatch) -> float:
        watch.stop()
        train, model = data.windows["train"], data.model(config, seed).to(place)
        optimizer = torch.optim.Adam(model.parameters(), config.learning_rate)
        generator = torch.Generator(place).manual_seed(seed)
        with closing(shuffled_batches(train, config.batch_size, seed, 0)) as batches:
            watch.start()
            for step, batch in enumerate(islice(batches, steps)):
                loss, _ = model.loss(batch.to(place), generator, step)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
                optimizer.step()
            watch.stop()
        return steps

    return side
