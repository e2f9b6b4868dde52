"""The section with the learning curves of each arm."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from agents.arms.registry import colours
from agents.report.decimals import minutes
from agents.run.load import curve
from agents.run.records import AgentRecord, Run
from agents.run.stage_results import Cost
from agents.run.stages import activities
from worldvae import html
from worldvae.plots.learning import BAND_FROM, ArmCurves, CurvePanel, SeedCurve, learning_curves
from worldvae.stats import Resampling

UNITS = {
    "env_steps": (1.0, "env steps"),
    "seconds": (60.0, "minutes"),
    "cpu_seconds": (60.0, "CPU minutes"),
}
"""What curves may be drawn over: its name in a log -> how many make one on the axis, and its name
there."""


def curves(run: Run, resampling: Resampling) -> str:
    """Return the section; "" before the first evaluation."""
    damaged = [line for agent in run.agents for line in agent.damaged_logs]
    if not damaged and not any(agent.evaluations for agent in run.agents):
        return ""
    return html.section(
        "curves",
        "Learning",
        *(html.paragraph(f"Left out: {line}.") for line in damaged),
        html.beside(
            _curve_figure(run, "env_steps", resampling), _curve_figure(run, "seconds", resampling)
        ),
    )


def learning_figure(run: Run, unit: str, resampling: Resampling) -> Figure:
    """Draw the held-out return over a unit of `UNITS`, each arm shifted by its charge."""
    panel = learning_panel(run, unit, run.arms, f"Held-out return over {UNITS[unit][1]}")
    return learning_curves(panel, resampling, colours())


def learning_panel(run: Run, unit: str, arms: Sequence[str], title: str) -> CurvePanel:
    """Return the curves of `arms` over a unit of `UNITS`; without those that were not measured."""
    scale, x_label = UNITS[unit]
    found = [
        ArmCurves(arm, [_scaled(run, agent, unit, scale) for agent in run.of(arm)], charged / scale)
        for arm in arms
        if (charged := _charged(run, arm, unit)) is not None
    ]
    return CurvePanel(title, x_label, found)


def _charged(run: Run, arm: str, unit: str) -> float | None:
    """Return the charge so far; of CPU time, which may not have been measured, all or None."""
    if unit == "cpu_seconds":
        return run.charged(arm, unit)
    return float(getattr(run.known_charge(arm), unit))


def _curve_figure(run: Run, unit: str, resampling: Resampling) -> str:
    _, x_label = UNITS[unit]
    caption = (
        f"Mean return of the held-out evaluations over {x_label}. Thin: one seed, dashed while it "
        f"is unfinished. Bold: the mean; band: its 95 % interval, from {BAND_FROM} seeds "
        f"on.{_dreamers(run, unit)}{_charges(run, unit)}"
    )
    alt = f"Held-out return over {x_label}, by arm: {', '.join(run.arms)}"
    return html.drawing(learning_figure(run, unit, resampling), alt, caption)


def _scaled(run: Run, agent: AgentRecord, unit: str, scale: float) -> SeedCurve:
    """Return the curve of an agent, which begins at the mean charge of its arm."""
    x, y = curve(agent, unit)
    own, mean = (_charged(one, agent.arm, unit) for one in (run.of_seed(agent.seed), run))
    more = 0.0 if own is None or mean is None else own - mean
    return SeedCurve((x + more) / scale, y, finished=agent.result is not None)


def _dreamers(run: Run, unit: str) -> str:
    arms = [arm.name for arm in run.rows if arm.trains_in_dream]
    if not arms or unit != "env_steps":
        return ""
    return (
        f" Dreamed steps are none of the environment: {', '.join(arms)} has a point for each round "
        "of collecting, at its real steps."
    )


def _charges(run: Run, unit: str) -> str:
    arms = [arm for arm in run.arms if run.known_charge(arm) != Cost()]
    if not arms:
        return ""
    sizes = [
        f"{run.known_charge(arm).env_steps:,} env steps to {arm}"
        if unit == "env_steps"
        else f"{minutes(run.known_charge(arm).seconds)} minutes to {arm}"
        for arm in arms
    ]
    return (
        f" Shaded: what {activities(*run.needed_stages())} took, charged before the first "
        f"training step: {', '.join(sizes)}."
    )
