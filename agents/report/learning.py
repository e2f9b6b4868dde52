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
    runs = [_read(folder, arms) for folder in folders]
    chosen = arms or list(dict.fromkeys(arm for run in runs for arm in run.arms))
    columns = list(zip(runs, column_titles(runs, folders), strict=True))
    panels = [
        [_panel(run, "" if row else title, unit, chosen) for run, title in columns]
        for row, unit in enumerate(units)
    ]
    figure = learning_panels(panels, Resampling.seeded(0), colours(), list(map(task_of, runs)))
    with mpl.rc_context(STYLE):
        save_png(figure, path)
    missing = [
        f"{folder}: {line}"
        for folder, run in zip(folders, runs, strict=True)
        for line in run.left_out(chosen)
    ]
    return missing + [
        f"{folder}: {arm} over {UNITS[unit][1]} was not measured"
        for unit, row in zip(units, panels, strict=True)
        for folder, run, panel in zip(folders, runs, row, strict=True)
        for arm in _of_run(chosen, run)
        if arm not in _measured(panel)
    ]


def _read(folder: Path, arms: Sequence[str]) -> Run:
    """Return the run in `folder`; ArtifactError if no arm, or none of `arms`, has finished."""
    run = read_published(folder)
    if not run.results or (arms and not _of_run(arms, run)):
        held = ", ".join(run.arms) or "none"
        raise ArtifactError(f"{folder}: no arm to draw has finished there (it holds {held})")
    return run


def _of_run(arms: Sequence[str], run: Run) -> list[str]:
    return [arm for arm in arms if arm in run.arms]


def _measured(panel: CurvePanel) -> set[str]:
    """Return the arms of which the panel shows a point at least."""
    return {one.arm for one in panel.arms if any(len(curve.x) for curve in one.curves)}


def task_of(run: Run) -> str:
    """Return the environment in which the agents of a run are scored."""
    return run.results[0].evaluation.env_id


def column_titles(runs: Sequence[Run], folders: Sequence[Path]) -> list[str]:
    """Return the environment of each run, and where others share it what tells the run apart.

    That is its algorithm, and where others share that too the name of its folder.
    """
    titles = [task_of(run) for run in runs]
    algorithms = [f", {run.results[0].algorithm}" for run in runs]
    names = [f" ({folder.name})" for folder in folders]
    for further in (algorithms, names):
        titles = [
            title + more if titles.count(title) > 1 else title
            for title, more in zip(titles, further, strict=True)
        ]
    return titles


def _panel(run: Run, title: str, unit: str, arms: Sequence[str]) -> CurvePanel:
    return learning_panel(run, unit, _of_run(arms, run), title)
