"""How learning the dynamics grows with the length of a sequence, and with the members."""

from __future__ import annotations

from agents.benchmark.bench import Bench
from agents.benchmark.dynamics import fit_steps
from agents.benchmark.measure import Side
from agents.benchmark.scaling.curve import ScalingCurve, measure_curve
from worldvae.dynamics.config import DynamicsConfig


def dynamics_curves(bench: Bench) -> list[ScalingCurve]:
    """Measure optimiser steps on the codes of CarRacing's frames."""
    settings, network = bench.config.scaling, dict(bench.config.dream.network)
    stage, step = "dynamics", "s per step"

    def learning(window: int, members: int) -> Side:
        batch = {"window": window, "batch_size": settings.windows_per_step}
        observed = min(DynamicsConfig().observed, window - 1)
        sizes = {**network, "members": members, "observed": observed}
        config = DynamicsConfig.model_validate({**sizes, **batch})
        return fit_steps(bench, config, settings.train_steps)

    def by_window(window: int) -> Side:
        return learning(window, 1)

    def by_members(members: int) -> Side:
        return learning(settings.windows[0], members)

    return [
        measure_curve(bench, stage, ("decisions a window", step), 1, settings.windows, by_window),
        measure_curve(bench, stage, ("members", step), 1, settings.members, by_members),
    ]
