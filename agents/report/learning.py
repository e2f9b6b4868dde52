"""Draws the learning curves of several comparisons in one figure, from their folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from agents.arms.registry import colours
from agents.report.sections.curves import UNITS, learning_panel
from agents.run.published import read_published
from agents.run.records import Run
from worldvae.errors import ArtifactError
from worldvae.plots.learning import CurvePanel, learning_panels
from worldvae.plots.png import save_png
from worldvae.plots.style import STYLE
from worldvae.stats import Resampling


def draw_learning(
    folders: Sequence[Path], arms: Sequence[str], units: Sequence[str], path: Path
) -> list[str]:
    """Draw a column for each run folder, and in it a row for each of `units`, into a PNG.

    Args:
        folders: Run folders, or published ones with their logs in an archive.
        arms: What is drawn of each; empty: every arm of any of them.
        units: Keys of `UNITS`: what the returns are drawn over.
        path: The PNG.

    Returns what is missing and what could not be drawn, a line for each. Raises ArtifactError for a
    folder that holds none of the arms.
    """
    runs = [read_published(folder) for folder in folders]
    for run, folder in zip(runs, folders, strict=True):
        if not run.results or (arms and not set(arms) & set(run.arms)):
            held = ", ".join(run.arms) or "none"
            raise ArtifactError(f"{folder}: no arm to draw has finished there (it holds {held})")
    chosen = arms or list(dict.fromkeys(arm for run in runs for arm in run.arms))
    titles = [column_titles(runs, folders), *[[""] * len(runs)] * (len(units) - 1)]
    panels = [
        [_panel(*one, unit, chosen) for one in zip(runs, row, strict=True)]
        for unit, row in zip(units, titles, strict=True)
    ]
    tasks = [task_of(run) for run in runs]
    figure = learning_panels(panels, Resampling.seeded(0), colours(), tasks)
    with mpl.rc_context(STYLE):
        save_png(figure, path)
    left_out = [
        f"{folder}: {line}"
        for folder, run in zip(folders, runs, strict=True)
        for line in run.left_out(chosen)
    ]
    return left_out + [
        f"{folder}: {arm} over {UNITS[unit][1]} was not measured"
        for unit, row in zip(units, panels, strict=True)
        for folder, run, panel in zip(folders, runs, row, strict=True)
        for arm in chosen
        if arm in run.arms
        and not any(len(c.x) for a in panel.arms if a.arm == arm for c in a.curves)
    ]


def task_of(run: Run) -> str:
    """Return the environment in which the agents of a run are scored."""
    return run.results[0].evaluation.env_id


def column_titles(runs: Sequence[Run], folders: Sequence[Path]) -> list[str]:
    """Return the environment of each run, and where others share it what tells the run apart.

    That is its algorithm, and where others share that too the name of its folder.
    """
    titles = [task_of(run) for run in runs]
    further = [
        [f"{env}, {run.results[0].algorithm}" for env, run in zip(titles, runs, strict=True)],
        [
            f"{env}, {run.results[0].algorithm} ({folder.name})"
            for env, run, folder in zip(titles, runs, folders, strict=True)
        ],
    ]
    for longer in further:
        titles = [
            new if titles.count(old) > 1 else old for old, new in zip(titles, longer, strict=True)
        ]
    return titles


def _panel(run: Run, title: str, unit: str, arms: Sequence[str]) -> CurvePanel:
    return learning_panel(run, unit, [arm for arm in arms if arm in run.arms], title)
