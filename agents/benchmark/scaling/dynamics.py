"""How learning the dynamics grows with the length of a sequence, and with the members."""

from __future__ import annotations

from contextlib import closing
from itertools import islice

import torch

from agents.benchmark.bench import Bench
from agents.benchmark.dreams import dynamics_of, encoder_of
from agents.benchmark.measure import Side, Stopwatch
from agents.benchmark.scaling.curve import ScalingCurve, measure_curve
from worldvae.dynamics.config import DynamicsConfig
from worldvae.dynamics.learn import DynamicsData
from worldvae.training.batches import shuffled_batches
from worldvae.training.distributed import own_share
from worldvae.training.resident import reader
from worldvae.training.run import TrainingRun


def dynamics_curves(bench: Bench) -> list[ScalingCurve]:
    """Measure optimiser steps on the codes of CarRacing's frames."""
    settings, network = bench.config.scaling, dict(bench.config.dream.network)
    stage, step = "dynamics", "s per step"

    def learning(window: int, members: int) -> Side:
        batch = {"window": window, "batch_size": settings.windows_per_step}
        observed = min(DynamicsConfig().observed, window - 1)
        sizes = {**network, "members": members, "observed": observed}
        return _steps(bench, DynamicsConfig.model_validate({**sizes, **batch}))

    def by_window(window: int) -> Side:
        return learning(window, 1)

    def by_members(members: int) -> Side:
        return learning(settings.windows[0], members)

    return [
        measure_curve(bench, stage, ("decisions a window", step), 1, settings.windows, by_window),
        measure_curve(bench, stage, ("members", step), 1, settings.members, by_members),
    ]


def _steps(bench: Bench, config: DynamicsConfig) -> Side:
    """Return a side that makes a few optimiser steps; what comes before them is not counted."""
    env, place = bench.config.car_racing, torch.device(bench.device)
    steps, seed = bench.config.scaling.train_steps, bench.seed("dynamics")
    codes = dynamics_of(bench)  # frames are encoded once, into this folder
    data = DynamicsData.read(bench.store(env), encoder_of(bench), config, codes, bench.device)

    def side(watch: Stopwatch) -> float:
        watch.stop()
        train, model = data.windows["train"], data.model(config, seed).to(place)
        with bench.scratch() as folder:
            run = TrainingRun(model, config.fitting, folder, seed, place)
            reads = reader(train, place)
            with closing(
                shuffled_batches(train, config.batch_size, seed, 0, own_share(), reads)
            ) as batches:
                watch.start()
                for batch in islice(batches, steps):
                    run.learn(batch)
                watch.stop()
        return steps

    return side
