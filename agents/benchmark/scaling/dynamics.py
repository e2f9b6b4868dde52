"""How learning the dynamics grows with the length of a sequence, and with the members."""

from __future__ import annotations

from agents.benchmark.bench import Bench
from agents.benchmark.dynamics import fit_steps
from agents.benchmark.measure import Side
from agents.benchmark.scaling.curve import ScalingCurve, measure_curve
from worldvae.dynamics.config import DynamicsConfig


def dynamics_curves(bench: Bench) -> list[ScalingCurve]:
    """Measure optimiser steps on the codes of CarRacing's frames."""
    settings, stage, step = bench.config.scaling, "dynamics", "s per step"

    def by_window(window: int) -> Side:
        return _learn(bench, window, 1)

    def by_members(members: int) -> Side:
        return _learn(bench, settings.windows[0], members)

    return [
        measure_curve(bench, stage, ("decisions a window", step), 1, settings.windows, by_window),
        measure_curve(bench, stage, ("members", step), 1, settings.members, by_members),
    ]


def _learn(bench: Bench, window: int, members: int) -> Side:
    """Return a side that makes a few optimiser steps on windows of so many decisions."""
    settings, network = bench.config.scaling, dict(bench.config.dream.network)
    batch = {"window": window, "batch_size": settings.windows_per_step}
    observed = min(DynamicsConfig().observed, window - 1)
    sizes = {**network, "members": members, "observed": observed}
    config = DynamicsConfig.model_validate({**sizes, **batch})
    return fit_steps(bench, config, settings.train_steps)
