"""The section that shows the observation of each arm for the same held-out frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.arms.build import ArmSetup, make_observer, set_up
from agents.arms.registry import Arm
from agents.config.experiment import Experiment
from agents.report.sections.held_out import Moments, take
from agents.report.sections.image_grid import difference, image_grid
from agents.run.records import Run
from worldvae import html
from worldvae.autoencoders.encoder import Encoder
from worldvae.errors import WorldvaeError
from worldvae.plots.style import to_svg
from worldvae.rollouts import Record, RolloutStore
from worldvae.wrappers.observer import Moment, Observer

LAYERS = 4
"""How many frames of a stack, or actions before a moment, are shown: the newest."""

NUMBERS = 48
"""How many numbers of a memory are shown: the first."""

VARIABLES = 12
"""How many variables of the true state are shown: the first."""


@dataclass(frozen=True)
class _Scene:
    """What the arms are shown: the moments, and what turns them into observations."""

    folder: Path
    experiment: Experiment
    moments: Moments

    def setup(self, arm: Arm) -> ArmSetup:
        """Return the arm's setup with the encoder and dynamics in this run's folder."""
        setup = set_up(self.experiment, arm.name)
        encoder, dynamics = (
            None if folder is None else self.folder / folder.name
            for folder in (setup.encoder, setup.dynamics)
        )
        return replace(setup, encoder=encoder, dynamics=dynamics)

    def encoder(self, arm: Arm) -> Encoder:
        """Return the arm's encoder."""
        folder = self.setup(arm).encoder
        assert folder is not None
        return Encoder.load(folder, backend="torch")

    def latents(self, encoder: Encoder) -> NDArray[np.float32]:
        """Return the latents of the moments as the agent observes them, (K, Z)."""
        latents = encoder.encode(self.moments.inputs(encoder))
        return encoder.whiten(latents) if self.experiment.agent.whiten else latents

    def remembered(self, arm: Arm) -> NDArray[np.float32]:
        """Return latents and memory of the moments, each after its whole episode: (K, Z + M)."""
        setup, store = self.setup(arm), RolloutStore(self.folder / "rollouts")
        inputs = setup.observer_inputs(store.action_space)
        moments = zip(self.moments.records, self.moments.actions, strict=True)
        return np.concatenate(
            [_observed_last(make_observer(arm, inputs), store, *moment) for moment in moments]
        )


def observations(run: Run) -> str:
    """Return the section; "" if no frames were collected."""
    name, shown = run.shown
    folder = shown.folder
    if not (folder / "rollouts" / "env.json").exists() or not run.arms:
        return ""
    try:
        experiment = Experiment.load(folder / "config.yaml")
        scene = _Scene(folder, experiment, take(folder / "rollouts", experiment))
    except WorldvaeError as error:
        return html.section("sees", "What each arm sees", html.paragraph(f"Not shown: {error}"))
    lead = (
        f"The same {len(scene.moments.present)} moments of held-out episodes, on which nothing was "
        "trained, from left to right as each arm observes them."
    )
    if name:
        lead += f" Frames and encoders are those of {name}."
    figures = [_show(scene, arm) for arm in run.rows if arm.observes in SHOW_OBSERVATION]
    return html.section("sees", "What each arm sees", html.paragraph(lead), html.beside(*figures))


def _show(scene: _Scene, arm: Arm) -> str:
    try:
        return SHOW_OBSERVATION[arm.observes](scene, arm)
    except WorldvaeError as error:
        return html.captioned("", arm.name, f"Not shown: {error}")


def _draw(arm: Arm, rows: Mapping[str, NDArray[Any]], caption: str) -> str:
    alt = f"What the arm {arm.name} sees: {', '.join(rows)}"
    return html.captioned(to_svg(image_grid(rows, arm.colour), alt), arm.name, caption)


def _frames(scene: _Scene, arm: Arm) -> str:
    rows, caption = _stack(scene, scene.setup(arm).stack)
    if arm.learns_encoder:
        caption += " The pretrained encoder that reads them learns on with the agent."
    return _draw(arm, rows, caption)


def _stack(scene: _Scene, count: int) -> tuple[dict[str, NDArray[Any]], str]:
    """Return a row for each of the newest of `count` frames, and a caption."""
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


def _latents(scene: _Scene, arm: Arm) -> str:
    encoder = scene.encoder(arm)
    bars = {f"the {encoder.latents} latents": scene.latents(encoder)}
    if arm.has_untrained_encoder:
        caption = "No decoder was trained, so there is nothing to reconstruct."
        return _draw(arm, {"frame": scene.moments.present, **bars}, caption)
    caption = (
        "The agent is given the latents alone; the reconstruction is what a decoder can make of "
        "them. The difference is that of the worst channel."
    )
    return _draw(arm, {**_reconstructed(scene, encoder), **bars}, caption)


def _latents_and_memory(scene: _Scene, arm: Arm) -> str:
    seen = scene.remembered(arm)
    latents, memory = np.split(seen, [scene.encoder(arm).latents], axis=1)
    shown = memory[:, :NUMBERS]
    part = f"{NUMBERS} of the " if memory.shape[1] > NUMBERS else "the "
    bars = {
        f"the {latents.shape[1]} latents": latents,
        f"{part}{memory.shape[1]} numbers of the memory": shown,
    }
    caption = (
        "The memory is that of all frames and actions of the episode before the moment; here those "
        "of the policy that collected the frames."
    )
    if arm.has_untrained_dynamics:
        caption += " The dynamics that remember were never trained."
    if arm.trains_in_dream:
        caption += " In its training, both are dreamed."
    return _draw(arm, {"frame": scene.moments.present, **bars}, caption)


def _reconstructed(scene: _Scene, encoder: Encoder) -> dict[str, NDArray[Any]]:
    """Return the encoder's target, the decoder's reconstruction and their difference."""
    moments, ahead = scene.moments, encoder.window.ahead
    target = moments.target(encoder)
    reconstruction = encoder.reconstruct(moments.inputs(encoder), moments.future_actions)
    absolute, white = difference(target, reconstruction)
    name = f"frame {ahead} decisions later" if ahead else "frame"
    rows: dict[str, NDArray[Any]] = {name: target, "reconstruction": reconstruction}
    rows[f"|difference|: black 0, white {white} of 255"] = absolute
    return rows


def _state(scene: _Scene, arm: Arm) -> str:
    moments = scene.moments
    if np.isnan(moments.state).all():
        return html.captioned("", arm.name, "The rollouts hold no true state to show.")
    rows = [
        (variable.name, [(_number(value), "") for value in moments.state[:, column]])
        for column, variable in enumerate(moments.variables[:VARIABLES])
    ]
    more = len(moments.variables) - VARIABLES
    caption = (
        f"{f'And {more} more variables. ' if more > 0 else ''}The agent is given them in units of "
        "their running mean and deviation, and no frame."
    )
    return html.captioned(_table("variable", rows), arm.name, caption)


def _actions(scene: _Scene, arm: Arm) -> str:
    count = scene.setup(arm).stack
    rows = [
        (_age(age, "action"), [(_action(taken, age), "") for taken in scene.moments.actions])
        for age in range(1, min(count, LAYERS) + 1)
    ]
    caption = (
        f"Its last {count} action{'s' if count > 1 else ''} and nothing of the world; here those "
        "of the policy that collected the frames."
    )
    return html.captioned(_table("action", rows), arm.name, caption)


def _table(name: str, rows: list[tuple[str, list[html.Cell]]]) -> str:
    columns = len(rows[0][1])
    return html.table([name, *(f"{number}" for number in range(1, columns + 1))], rows)


def _number(value: float) -> str:
    return "none" if np.isnan(value) else f"{value:.3g}"


def _action(taken: NDArray[Any], age: int) -> str:
    """Return the action `age` decisions before the end of `taken` (T, ...)."""
    if age > len(taken):
        return "none yet"
    return ", ".join(f"{value:.2g}" for value in np.atleast_1d(taken[-age]))


def _observed_last(
    observer: Observer, store: RolloutStore, record: Record, actions: NDArray[Any]
) -> NDArray[np.float32]:
    """Return what an observer shows after the actions (t, ...) of an episode: (1, D)."""
    frames, keys = store.frames(record), store.keys(record)
    for time in range(len(actions) + 1):
        before = None if time == 0 else actions[time - 1][None]
        beside = {name: values[time][None] for name, values in keys.items()}
        moment = Moment(frames[time][None], None, before, beside)
        seen, _ = observer.step(moment, np.array([time == 0]))
    return seen


SHOW_OBSERVATION: dict[str, Callable[[_Scene, Arm], str]] = {
    "frames": _frames,
    "latents": _latents,
    "latents + memory": _latents_and_memory,
    "true state": _state,
    "actions": _actions,
}
"""What an arm observes -> the function that shows it; other observations are not shown."""
