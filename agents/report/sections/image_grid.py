"""Draws a grid: rows of pictures or bars, and a column for each of K moments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from worldvae.plots.style import INK, STYLE

WIDTH = 4.6
"""Width in inches: letters of 10 points are still 8 points high on a page of 390 pixels."""

LABEL = 0.32
GAP = 0.06
BARS = 0.5


def image_grid(rows: Mapping[str, NDArray[Any]], colour: str) -> Figure:
    """Draw rows of frames (K, H, W, C) uint8, or of bars (K, D) that share one scale around zero.

    `rows` maps the label of each row to its array.
    """
    columns = max(len(row) for row in rows.values())
    side = (WIDTH - GAP * (columns - 1)) / columns
    heights = [_height(row, side) for row in rows.values()]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, sum(heights) + LABEL * len(rows)))
        top = figure.get_figheight()
        for (label, row), height in zip(rows.items(), heights, strict=True):
            top -= LABEL + height
            _row(figure, row, (side, top, height), colour)
            figure.text(0, (top + height + GAP / 2) / figure.get_figheight(), label, va="bottom")
        return figure


def difference(frames: NDArray[np.uint8], others: NDArray[np.uint8]) -> tuple[Any, int]:
    """Return |frames - others|, the largest over channels, scaled so that the maximum is white.

    (K, H, W, C) uint8 twice -> (K, H, W, 1) uint8, and the number of grey levels that white means.
    """
    # uint8 minus uint8 wraps around
    absolute = np.abs(frames.astype(np.int16) - others.astype(np.int16)).max(axis=-1, keepdims=True)
    white = max(int(absolute.max()), 1)
    return (absolute * 255 // white).astype(np.uint8), white


def _height(row: NDArray[Any], side: float) -> float:
    """Return the height of a row in inches, for columns `side` inches wide."""
    return BARS if row.ndim == 2 else side * row.shape[1] / row.shape[2]


def _row(figure: Figure, row: NDArray[Any], place: tuple[float, float, float], colour: str) -> None:
    """Draw a row at `place`: the width of a column, distance from below and height, in inches."""
    side, bottom, height = place
    total = figure.get_figheight()
    reach = float(np.abs(row).max()) if row.ndim == 2 else 0.0
    for column, cell in enumerate(row):
        left = column * (side + GAP) / WIDTH
        axes = figure.add_axes((left, bottom / total, side / WIDTH, height / total))
        axes.set_axis_off()
        if cell.ndim == 1:
            _bars(axes, cell, reach, colour)
        else:
            picture = np.repeat(cell, 3, axis=2) if cell.shape[2] == 1 else cell
            axes.imshow(picture, interpolation="none", aspect="auto")


def _bars(axes: Axes, values: NDArray[Any], reach: float, colour: str) -> None:
    axes.bar(np.arange(len(values)), values, width=0.8, color=colour)
    axes.axhline(0, color=INK, lw=0.8, alpha=0.4)
    axes.set_ylim(-max(reach, 1e-6), max(reach, 1e-6))
