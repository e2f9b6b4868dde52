"""The section with the learning curves of each arm."""

from __future__ import annotations

from matplotlib.figure import Figure

from agents.arms.registry import ARMS, colours
from agents.report.verdict import minutes
from agents.run.load import curve
from agents.run.records import AgentRecord, Run
from agents.run.stage_results import Cost
from agents.run.stages import activities
from worldvae import html
from worldvae.plots import comparison as figures
from worldvae.stats import Resampling

UNITS = {"env_steps": (1.0, "env steps"), "seconds": (60.0, "minutes")}


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
    """Draw the held-out return over "env_steps" or "seconds", each arm shifted by its charge."""
    scale, x_label = UNITS[unit]
    arms = [
        figures.ArmCurves(
            arm,
            [_scaled(agent, unit, scale) for agent in run.of(arm)],
            charged=getattr(run.charge(arm), unit) / scale,
        )
        for arm in run.arms
    ]
    return figures.learning_curves(
        arms, f"Held-out return over {x_label}", x_label, resampling, colours()
    )


def _curve_figure(run: Run, unit: str, resampling: Resampling) -> str:
    _, x_label = UNITS[unit]
    caption = (
        f"Mean return of the held-out evaluations over {x_label}. Thin: one seed, dashed while it "
        f"is unfinished. Bold: the mean; band: its 95 % interval, from {figures.BAND_FROM} seeds "
        f"on.{_dreamers(run, unit)}{_charges(run, unit)}"
    )
    alt = f"Held-out return over {x_label}, by arm: {', '.join(run.arms)}"
    return html.drawing(learning_figure(run, unit, resampling), alt, caption)


def _scaled(agent: AgentRecord, unit: str, scale: float) -> figures.SeedCurve:
    x, y = curve(agent, unit)
    return figures.SeedCurve(x / scale, y, finished=agent.result is not None)


def _dreamers(run: Run, unit: str) -> str:
    arms = [arm for arm in run.arms if arm in ARMS and ARMS[arm].trains_in_dream]
    if not arms or unit != "env_steps":
        return ""
    return (
        f" Dreamed steps are none of the environment: {', '.join(arms)} has a point for each round "
        "of collecting, at its real steps."
    )


def _charges(run: Run, unit: str) -> str:
    arms = [arm for arm in run.arms if run.charge(arm) != Cost()]
    if not arms:
        return ""
    sizes = [
        f"{run.charge(arm).env_steps:,} env steps to {arm}"
        if unit == "env_steps"
        else f"{minutes(run.charge(arm).seconds)} minutes to {arm}"
        for arm in arms
    ]
    return (
        f" Shaded: what {activities(*run.needed_stages())} took, charged before the first "
        f"training step: {', '.join(sizes)}."
    )
