"""Writes the results of a sweep: numbers, figures, and the recommendation."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from pydantic import Field

from agents.config.sections import SweepConfig
from agents.run.command import exact_command
from agents.sweep.choice import KEEP, MARGIN, Choice, JudgedPoint
from agents.sweep.figure import sweep_figure
from agents.sweep.points import Point, Setting, TrialState
from agents.sweep.trial import SweepTask
from worldvae.autoencoders.encoder import Encoder
from worldvae.files import atomic_write_text
from worldvae.indices import evenly
from worldvae.json_files import Content, JsonFile
from worldvae.plots.frames import Frames, grouped_figure
from worldvae.plots.png import save_png
from worldvae.rollouts import RolloutStore, StoredFrames
from worldvae.rollouts.manifest import Split
from worldvae.versions import library_versions

CHOSEN_BY = (
    "chosen by the test episodes of the rollouts, so these flatter the code a little when it is "
    "checked on them again; other episodes (another --name and --seed) do not"
)
PICTURED_BETAS = 5
PICTURED_FRAMES = 4


class SweepSummary(Content):
    """The content of `sweep.json`: the recommendation and its grounds.

    Null if none can be given.
    """

    beta: float | None
    latents: int | None
    encoder: str | None = Field(description="The encoder's folder, relative to the sweep's.")
    reason: str
    judged_by: str = Field(description="The measure by which codes were compared.")
    thresholds: dict[str, float]
    details_lost: tuple[str, ...] = Field(description="Trials whose beta loses details.")
    overfits: tuple[str, ...] = Field(description="Trials that overfit.")
    sweep: SweepConfig
    command: str = Field(description="The command line.")
    versions: dict[str, str] = Field(description="Versions of the software.")


SWEEP = JsonFile("sweep.json", SweepSummary, "run the sweep again, which writes it anew")


def write_sweep(
    task: SweepTask,
    store: RolloutStore,
    choice: Choice,
    states: Mapping[Setting, TrialState],
) -> None:
    """Write sweep.csv, sweep.json, sweep.png and frames.png."""
    folder = task.folder
    atomic_write_text(folder / "sweep.csv", _table(choice, states))
    SWEEP.write(folder, summary_of(task.sweep, choice))
    save_png(sweep_figure(choice), folder / "sweep.png")
    save_png(_frames(task, store, choice), folder / "frames.png")


def describe_sweep(folder: Path, choice: Choice) -> str:
    """Return the recommendation in a few lines."""
    chosen = choice.setting
    lines = [choice.reason]
    if chosen:
        lines += [CHOSEN_BY, f"encoder: {folder / chosen.name}"]
    return "\n".join([*lines, f"figures: {folder}/sweep.png, frames.png; numbers: sweep.csv"])


def _table(choice: Choice, states: Mapping[Setting, TrialState]) -> str:
    """Return a line per trial; an unfinished trial has a state and no numbers."""
    judged = {one.point.name: one for one in choice.judged}
    columns = ["outcome", *Point.model_fields, "kept", "loses_details", "overfits"]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    for setting, state in states.items():
        row = {"outcome": state, **setting.model_dump()}
        if one := judged.get(setting.name):
            row |= one.point.model_dump()
            row |= {"kept": one.kept, "loses_details": one.loses, "overfits": one.overfits}
        writer.writerow(row)
    return buffer.getvalue()


def summary_of(config: SweepConfig, choice: Choice) -> SweepSummary:
    chosen = choice.setting
    return SweepSummary(
        beta=chosen.beta if chosen else None,
        latents=chosen.latents if chosen else None,
        encoder=chosen.name if chosen else None,
        reason=choice.reason,
        judged_by=choice.judged_by,
        thresholds={"keep": KEEP, "overfitting_margin": MARGIN},
        details_lost=tuple(one.point.name for one in choice.judged if one.loses),
        overfits=tuple(one.point.name for one in choice.judged if one.overfits),
        sweep=config,
        command=exact_command(),
        versions=library_versions(),
    )


def _frames(task: SweepTask, store: RolloutStore, choice: Choice) -> Figure:
    """Draw held-out frames, training frames and samples of the prior, a row for each beta."""
    pictured = _pictured(choice)
    encoders = [Encoder.load(task.folder / one.point.name, task.device) for one in pictured]
    splits: dict[str, Split] = {"held-out frames": "test", "training frames": "train"}
    groups = {name: _reconstructions(store, split, encoders) for name, split in splits.items()}
    samples = np.stack([encoder.sample(PICTURED_FRAMES, task.seed) for encoder in encoders])
    blank = np.full_like(samples[:1], 255)
    groups["samples from the prior"] = np.concatenate([blank, samples])
    title = "Frames, and what is left of them at each beta"
    return grouped_figure(groups, ["original", *(_label(one, choice) for one in pictured)], title)


def _pictured(choice: Choice) -> list[JudgedPoint]:
    """Return a few betas of one latent size, including both ends and the recommended one."""
    size = choice.setting.latents if choice.setting else choice.judged[0].point.latents
    curve = [one for one in choice.judged if one.point.latents == size]
    picked = {int(i) for i in evenly(len(curve), PICTURED_BETAS)}
    if choice.setting:
        picked |= {i for i, one in enumerate(curve) if one.point.beta == choice.setting.beta}
    return [curve[i] for i in sorted(picked)]


def _label(one: JudgedPoint, choice: Choice) -> str:
    is_chosen = choice.setting is not None and choice.setting.name == one.point.name
    marks = {"recommended": is_chosen, "overfits": one.overfits, "details lost": one.loses}
    names = [name for name, is_marked in marks.items() if is_marked]
    return "\n".join([f"beta {one.point.beta:g}", *names])


def _reconstructions(store: RolloutStore, split: Split, encoders: Sequence[Encoder]) -> Frames:
    """Return originals and each encoder's reconstructions: (1 + encoders, K, H, W, C)."""
    window = encoders[0].window
    source = StoredFrames(store, split, store.healthy(), window.before, window.ahead)
    # The first frames of episodes are avoided, because they often differ from all others.
    shares = (np.arange(PICTURED_FRAMES) + 0.5) / PICTURED_FRAMES
    frames = source.gather((shares * len(source)).astype(np.int64))
    inputs = window.inputs(frames)
    reconstructions = [encoder.reconstruct(inputs) for encoder in encoders]
    return np.stack([window.target(frames), *reconstructions])
