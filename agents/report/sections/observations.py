"""What each arm sees of the same few held-out frames: a figure or a table for every arm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.arms.build import frames_of
from agents.config.experiment import Experiment
from agents.report.sections.held_out import Moments, take
from agents.report.sections.image_grid import difference, sheet
from agents.run.records import Run
from worldvae import html
from worldvae.autoencoders.encoder import Encoder
from worldvae.errors import WorldvaeError
from worldvae.plots.style import colour, to_svg

LAYERS = 4
"""Frames of a stack, and actions before a moment, that are shown; the newest."""

VARIABLES = 12
"""Of the true state that are shown; the first."""


@dataclass(frozen=True)
class _Scene:
    folder: Path
    experiment: Experiment
    moments: Moments

    def encoder(self, name: str) -> Encoder:
        return Encoder.load(self.folder / name, backend="torch")

    def latents(self, encoder: Encoder) -> NDArray[np.float32]:
        """(K, Z), as the agent is given them."""
        latents = encoder.encode(self.moments.inputs(encoder))
        return encoder.whiten(latents) if self.experiment.agent.whiten else latents


def sees(run: Run) -> str:
    """The section; '' where no frames were collected."""
    if not (run.folder / "rollouts" / "env.json").exists() or not run.arms:
        return ""
    try:
        experiment = Experiment.load(run.folder / "config.yaml")
        scene = _Scene(run.folder, experiment, take(run.folder / "rollouts", experiment))
    except WorldvaeError as error:
        return html.section("sees", "What each arm sees", html.paragraph(f"Not shown: {error}"))
    lead = (
        f"The same {len(scene.moments.present)} moments of held-out episodes, on which nothing was "
        "trained, from left to right through the eyes of each arm."
    )
    figures = [_shown(scene, arm) for arm in run.arms if arm in SHOW]
    return html.section("sees", "What each arm sees", html.paragraph(lead), html.beside(*figures))


def _shown(scene: _Scene, arm: str) -> str:
    try:
        return SHOW[arm](scene)
    except WorldvaeError as error:
        return html.captioned("", arm, f"Not shown: {error}")


def _drawn(arm: str, rows: Mapping[str, NDArray[Any]], caption: str) -> str:
    alt = f"What the arm {arm} sees: {', '.join(rows)}"
    return html.captioned(to_svg(sheet(rows, colour(arm)), alt), arm, caption)


def _pixels(scene: _Scene) -> str:
    return _drawn("pixels", *_stack(scene, frames_of(scene.experiment, "pixels")))


def _finetune(scene: _Scene) -> str:
    rows, caption = _stack(scene, frames_of(scene.experiment, "finetune"))
    more = " The encoder that reads them begins as latent's and learns on with the agent."
    return _drawn("finetune", rows, caption + more)


def _stack(scene: _Scene, count: int) -> tuple[dict[str, NDArray[Any]], str]:
    """The newest of `count` frames, a row each, and words for them."""
    shown = min(count, LAYERS)
    frames = scene.moments.last(shown)
    rows = {_age(shown - 1 - layer, "frame"): frames[:, layer] for layer in range(shown)}
    part = f", the newest {shown} of them here" if shown < count else ""
    plural = "s" if count > 1 else ""
    return rows, f"{count} preprocessed frame{plural} in one observation{part}."


def _age(decisions: int, what: str) -> str:
    if not decisions:
        return f"{what} now"
    return f"{decisions} decision{'s' if decisions > 1 else ''} before"


def _latent(scene: _Scene) -> str:
    encoder, moments = scene.encoder("encoder"), scene.moments
    target = moments.target(encoder)
    made = encoder.reconstruct(moments.inputs(encoder), moments.told)
    apart, white = difference(target, made)
    ahead = encoder.window.ahead
    name = f"frame {ahead} decisions later" if ahead else "frame"
    rows: dict[str, NDArray[Any]] = {
        name: target,
        "reconstruction": made,
        f"|difference|: black 0, white {white} of 255": apart,
        f"the {encoder.latents} latents": scene.latents(encoder),
    }
    caption = (
        "The agent is given the latents alone; the reconstruction is what a decoder can make of "
        "them. The difference is that of the worst channel."
    )
    return _drawn("latent", rows, caption)


def _random(scene: _Scene) -> str:
    encoder = scene.encoder("untrained_encoder")
    latents = f"the {encoder.latents} latents"
    rows: dict[str, NDArray[Any]] = {"frame": scene.moments.present}
    rows[latents] = scene.latents(encoder)
    return _drawn("random", rows, "No decoder was trained, so there is nothing to reconstruct.")


def _state(scene: _Scene) -> str:
    moments = scene.moments
    if np.isnan(moments.state).all():
        return html.captioned("", "state", "The rollouts hold no true state to show.")
    rows = [
        (variable.name, [(_number(value), "") for value in moments.state[:, column]])
        for column, variable in enumerate(moments.variables[:VARIABLES])
    ]
    more = len(moments.variables) - VARIABLES
    caption = (
        f"{f'And {more} more variables. ' if more > 0 else ''}The agent is given them in units of "
        "their running mean and deviation, and no frame."
    )
    return html.captioned(_table("variable", rows), "state", caption)


def _blind(scene: _Scene) -> str:
    count = scene.experiment.agent.stack
    rows = [
        (_age(age, "action"), [(_action(taken, age), "") for taken in scene.moments.actions])
        for age in range(1, min(count, LAYERS) + 1)
    ]
    caption = (
        f"Its last {count} action{'s' if count > 1 else ''} and nothing of the world; here those "
        "of the policy that collected the frames."
    )
    return html.captioned(_table("action", rows), "blind", caption)


def _table(name: str, rows: list[tuple[str, list[html.Cell]]]) -> str:
    columns = len(rows[0][1])
    return html.table([name, *(f"{number}" for number in range(1, columns + 1))], rows)


def _number(value: float) -> str:
    return "none" if np.isnan(value) else f"{value:.3g}"


def _action(taken: NDArray[Any], age: int) -> str:
    """The action `age` decisions before the end of `taken` (T, ...)."""
    if age > len(taken):
        return "none yet"
    return ", ".join(f"{value:.2g}" for value in np.atleast_1d(taken[-age]))


SHOW: dict[str, Callable[[_Scene], str]] = {
    "pixels": _pixels,
    "latent": _latent,
    "random": _random,
    "finetune": _finetune,
    "state": _state,
    "blind": _blind,
}
