"""Writes the tables and the figure of a study from the scores of its cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.config.sections import StudyConfig
from agents.run.declared import Declared
from agents.study.prediction import ScoredEncoder, draw, predictions, rows, section
from agents.study.scores import CellScores
from agents.study.unmeasured import unmeasured
from worldvae.diagnostics.numbers import NUMBERS
from worldvae.files import atomic_write_text
from worldvae.markdown import table
from worldvae.plots.encoder import dot_panels
from worldvae.plots.png import save_png
from worldvae.stats import Resampling, bootstrap_interval, mean

MEAN = "mean"
NO_LATENTS = "no latents: the mean or the commonest value"
"""The row of `Metric.floor`."""
INTERVAL_FROM = 3
"""The fewest seeds for which an interval is computed."""


@dataclass(frozen=True)
class Metric:
    """A number in `scores.json`, the path of its keys there, and its meaning."""

    title: str
    path: tuple[str, ...]
    meaning: str
    digits: int = 2
    pictured: bool = False
    floor: tuple[str, ...] = ()
    """The path of what no latent at all scores, which gets a row of its own."""


METRICS = (
    Metric(
        "F1, published probe",
        ("published_probes", "mean"),
        "AtariARI's linear probe on the unscaled latents, mean over categories",
        pictured=True,
        floor=("majority_probes", "mean"),
    ),
    Metric(
        "F1, published probe of whitened latents",
        ("whitened_published_probes", "mean"),
        "AtariARI's linear probe on what an agent sees, mean over categories",
        pictured=True,
        floor=("majority_probes", "mean"),
    ),
    Metric(
        "Probe of whitened latents",
        ("probes", "mean"),
        "linear map from what an agent sees, fitted for long: F1 or R2, mean over categories",
        pictured=True,
        floor=("majority_probes", "mean"),
    ),
    Metric(
        "MIG (own variant)",
        ("disentanglement", "mig"),
        "after Chen et al. 2018; latents are cut where equally many lie",
        pictured=True,
    ),
    Metric(
        "DCI disentanglement (own variant)",
        ("disentanglement", "dci_disentanglement"),
        "after Eastwood & Williams 2018; importances of a forest",
        pictured=True,
    ),
    Metric("DCI completeness (own variant)", ("disentanglement", "dci_completeness"), "the same"),
    Metric(
        "DCI informativeness (own variant)", ("disentanglement", "dci_informativeness"), "the same"
    ),
    Metric(
        "SAP (own variant)",
        ("disentanglement", "sap"),
        "after Kumar et al. 2018; discrete factors are rescaled by chance",
    ),
    Metric(
        "FactorVAE score (own variant)",
        ("disentanglement", "factor_vae"),
        "after Kim & Mnih 2018; each vote looks at 300 frames",
    ),
    Metric("Distortion", ("reconstruction", "held_out", "distortion"), "held out, nats a frame", 1),
    Metric("Rate", ("reconstruction", "held_out", "rate"), "KL to the prior, nats a frame", 1),
    Metric(
        "Moving pixels lost",
        ("reconstruction", "held_out", "moving", "lost"),
        "0: perfect; 1: no better than the mean training image",
    ),
    Metric("Active latents", ("active",), "Burda et al. 2016", 0),
    Metric("Training seconds", ("training_seconds",), "wall-clock, all resumes in", 0),
)

Grid = dict[str, dict[str, np.ndarray[Any, np.dtype[np.float64]]]]
"""Encoder -> environment -> values of the seeds, (S,)."""


def write_study(
    folder: Path,
    scores: Sequence[CellScores],
    missing: Sequence[str],
    with_agents: Sequence[ScoredEncoder],
    settings: StudyConfig,
    declared: Declared,
) -> list[Path]:
    """Write study.md, study.csv and figures into `folder`; return the paths in that order.

    `missing` names the encoders and agents without scores, because they failed, `declared` the
    numbers that the study was made for. If encoders have agents, what predicts their returns is
    written, too, and drawn in returns.png. study.png shows the metrics that are pictured, if any
    was measured.
    """
    grids = {metric: grid for metric in METRICS if (grid := _grid(scores, metric))}
    early, late = (
        [name for name in NUMBERS if (name,) in names] for names in (declared.early, declared.late)
    )
    settings = settings.model_copy(update={"primary": tuple(early)})
    found = predictions(with_agents, settings)
    predicted = [section(with_agents, found, settings, late)] if with_agents else []
    absent = unmeasured(scores, settings.measures)
    text = "\n".join([*predicted, _markdown(scores, missing, absent, grids)])
    written = [folder / "study.md", folder / "study.csv"]
    atomic_write_text(written[0], text)
    atomic_write_text(written[1], _csv(scores, with_agents))
    if found:
        written.append(draw(folder, with_agents, found))
    pictured = {metric.title: grid for metric, grid in grids.items() if metric.pictured}
    if pictured:
        written.append(folder / "study.png")
        save_png(dot_panels(pictured), written[-1])
    return written


def _grid(scores: Iterable[CellScores], metric: Metric) -> Grid:
    grid: dict[str, dict[str, list[float]]] = {}
    floor: dict[str, list[float]] = {}
    for row in scores:
        value = _at(row, metric.path)
        if value is None:
            continue
        grid.setdefault(row.encoder, {}).setdefault(row.env, []).append(value)
        # Encoders share frames and state, so the first one's floor is that of all.
        is_first = row.encoder == next(iter(grid))
        if is_first and metric.floor and (least := _at(row, metric.floor)) is not None:
            floor.setdefault(row.env, []).append(least)
    if floor:
        grid = {NO_LATENTS: floor, **grid}
    return {
        encoder: {env: np.array(values) for env, values in by_env.items()}
        for encoder, by_env in grid.items()
    }


def _at(row: CellScores, path: tuple[str, ...]) -> float | None:
    """Return the number at `path`; None if it was not measured."""
    value: Any = row
    for name in path:
        value = None if value is None else getattr(value, name)
    return None if value is None else float(value)


def _csv(scores: Sequence[CellScores], with_agents: Sequence[ScoredEncoder]) -> str:
    """Return one line per number: METRICS, the probes of each variable, health, and returns."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["env", "encoder", "seed", "metric", "value"])
    for row in scores:
        key = [row.env, row.encoder, row.seed]
        for metric in METRICS:
            value = _at(row, metric.path)
            if value is not None:
                writer.writerow([*key, ".".join(metric.path), f"{value:.6g}"])
        if row.majority_probes is not None and row.majority_probes.mean is not None:
            writer.writerow([*key, "majority_probes.mean", f"{row.majority_probes.mean:.6g}"])
        for measure in ("published_probes", "whitened_published_probes", "probes"):
            probes = getattr(row, measure)
            for probed in () if probes is None else probes.variables:
                name = f"{measure}.{probed.variable}"
                writer.writerow([*key, name, f"{probed.score:.6g}"])
    for encoder, seed, name, number in rows(with_agents):  # all of one environment
        writer.writerow([scores[0].env, encoder, seed, name, f"{number:.6g}"])
    return file.getvalue()


def _markdown(
    scores: Sequence[CellScores],
    missing: Sequence[str],
    absent: Sequence[str],
    grids: Mapping[Metric, Grid],
) -> str:
    seeds = sorted({row.seed for row in scores})
    text = [
        f"{len(scores)} encoders, seeds {', '.join(map(str, seeds))}. Mean over seeds; in "
        "brackets its 95 % bootstrap interval where there are at least "
        f"{INTERVAL_FROM} seeds.\n"
    ]
    if missing:
        text.append(f"Missing, since they failed: {', '.join(missing)}.\n")
    text += [f"{sentence}\n" for sentence in absent]
    for metric, grid in grids.items():
        text += [f"**{metric.title}** ({metric.meaning})\n", _table(metric, grid)]
    return "\n".join(text)


def _table(metric: Metric, grid: Grid) -> str:
    envs = list(dict.fromkeys(env for by_env in grid.values() for env in by_env))
    columns = [*envs, MEAN] if len(envs) > 1 else envs
    lines = []
    for encoder, by_env in grid.items():
        cells = [_cell(by_env.get(env), metric.digits) for env in envs]
        if len(envs) > 1:
            is_complete = all(env in by_env for env in envs)
            overall = np.mean([by_env[env].mean() for env in envs]) if is_complete else np.nan
            cells.append(f"{overall:z.{metric.digits}f}" if is_complete else "")
        lines.append([encoder, *cells])
    return table(("", *columns), lines) + "\n"


def _cell(values: np.ndarray[Any, np.dtype[np.float64]] | None, digits: int) -> str:
    if values is None:
        return ""
    if len(values) < INTERVAL_FROM:
        return f"{values.mean():z.{digits}f}"
    low, high = bootstrap_interval(values, mean, Resampling.seeded(0))
    return f"{values.mean():z.{digits}f} [{low:z.{digits}f}, {high:z.{digits}f}]"
