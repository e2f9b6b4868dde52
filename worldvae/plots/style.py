"""The look of all figures, and their way into a page; no global state is read or changed.

`to_svg` draws text and axes in `currentColor`, so that a page decides on light or dark.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from worldvae.stats import Array

# Told apart with every common colour blindness; their lightness fits dark and light paper.
BLUE, ORANGE, GREY = "#0a7cc2", "#d55e00", "#7f8790"
SPARE = ("#009e73", "#cc79a7", "#b8860b", "#56b4e9")

LABEL_LETTERS = 12
"""The longest name of an arm in a figure that is read on a page of 390 pixels."""

INK = "#010203"
"""Stands for `currentColor`, which matplotlib cannot parse; `to_svg` puts that in its place."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "worldvae",
    "font.size": 10,
    # A name such as "$x" is text, not a formula.
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


Colours = Mapping[str, str]
"""Name of an arm -> its colour as #rrggbb; an arm without one is given a spare one."""

NO_COLOURS: Colours = {}


def colour(name: str, colours: Colours) -> str:
    """Return the fixed colour of an arm; that of an unknown arm depends on its name alone."""
    return colours.get(name) or SPARE[sum(name.encode()) % len(SPARE)]


def latent_kl(kl: Array) -> Figure:
    """Draw KL(q(z|x) || N(0, 1)) of each latent, (Z,), in falling order."""
    ordered = np.sort(np.asarray(kl, dtype=np.float64))[::-1]
    with mpl.rc_context(STYLE):
        figure, axes = canvas(2.6, "KL of each latent, nats", "latents, the most used first")
        axes.bar(np.arange(1, len(ordered) + 1), ordered, color=BLUE)
        axes.set_axisbelow(True)
        axes.set_xlim(0.2, len(ordered) + 0.8)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
        return figure


def to_svg(figure: Figure, alt: str) -> str:
    """Return the figure as an `<svg>` element without size of its own, metadata or script."""
    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="svg", transparent=True, bbox_inches="tight", pad_inches=0.03)
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", drawing, count=1)
    drawing = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", drawing, count=1)
    drawing = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", drawing)
    # matplotlib numbers the groups of each figure alike, and ids must be unique in a page.
    drawing = re.sub(r'(<g|<image[^>]*?) id="[^"]*"', r"\1", drawing).replace(INK, "currentColor")
    label = alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return drawing.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def canvas(height: float, title: str, x_label: str) -> tuple[Figure, Axes]:
    """Return a new figure, `height` inches high, with one pair of axes."""
    # 4.6 inches: its 10 point letters are still 8 points high on a page of 390 pixels.
    figure = Figure(figsize=(4.6, height), layout="constrained")
    axes = figure.add_subplot()
    entitle(axes, title, x_label)
    return figure, axes


def entitle(axes: Axes, title: str, x_label: str) -> None:
    """Give axes their title and label, and no more lines than they need."""
    axes.set_title(title, pad=10)
    axes.set_xlabel(x_label)
    axes.grid(axis="y", color=INK, alpha=0.12, lw=0.8)
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_alpha(0.4)


def shortened(arm: str) -> str:
    """Return the name; of a long one the first word is abbreviated, "untr. memory"."""
    if len(arm) <= LABEL_LETTERS:
        return arm
    first, _, rest = arm.partition("_")
    brief = f"{first[:4]}. {rest}" if rest else arm
    return brief if len(brief) <= LABEL_LETTERS else f"{brief[: LABEL_LETTERS - 1]}…"


def spread(heights: Sequence[float], gap: float | Array) -> list[float]:
    """Move rising `heights` apart so that neighbours are at least `gap` from each other.

    `gap` is one for all, or one for each pair of neighbours.
    """
    between = np.broadcast_to(gap, max(len(heights) - 1, 0))
    steps = np.concatenate([[0.0], np.cumsum(between)])[: len(heights)]
    lifted = np.maximum.accumulate(np.asarray(heights) - steps) + steps
    lowered = np.minimum.accumulate((np.asarray(heights) - steps)[::-1])[::-1] + steps
    return [float(height) for height in (lifted + lowered) / 2]


def short(value: float, _position: int | None = None) -> str:
    """Write a number of steps as a tick label: 250000 is "250k", 1500000 is "1.5M"."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
