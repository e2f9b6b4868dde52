"""Figures of frames: what an autoencoder is shown, and what it decodes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from worldvae.plots.png import DPI

Frames = NDArray[np.uint8]

GAP = 3  # white pixels between two frames of a sheet
CELL = 120  # a frame is enlarged by the least whole factor that makes it this many pixels wide
LABEL_INCHES = 1.25
COLUMNS = 8
TITLE = 0.072  # inches per letter at 10 points
SPLITS = {"train": ("training", "#9aa5b1"), "validation": ("held-out", "#1f6feb")}


def reconstruction_figure(originals: Frames, reconstructions: Frames) -> Figure:
    """Draw original over reconstruction over |difference|: (B, H, W, C) uint8 twice."""
    originals, reconstructions = originals[:COLUMNS], reconstructions[:COLUMNS]
    # uint8 minus uint8 wraps around
    error = np.abs(originals.astype(np.int16) - reconstructions.astype(np.int16))
    rows = np.stack([originals, reconstructions, error.astype(np.uint8)])
    title = f"Held-out reconstructions, mean |difference| {error.mean():.1f} grey levels"
    return _labelled_sheet(rows, ["original", "reconstruction", "|difference|"], title)


def strangest_figure(frames: Frames, decoded: Frames | None, heads: Sequence[str]) -> Figure:
    """Draw frames under their `heads`: (B, H, W, C).

    Where there is a decoder, what it makes of each frame stands below.
    """
    title = "What was least like the encoder's training frames"
    if decoded is None:
        return _labelled_sheet(frames[None], ["seen"], title, heads)
    error = np.abs(frames.astype(np.int16) - decoded.astype(np.int16)).astype(np.uint8)
    rows = np.stack([frames, decoded, error])
    return _labelled_sheet(rows, ["seen", "reconstruction", "|difference|"], title, heads)


def dream_figure(rows: Mapping[str, Frames], heads: Sequence[str], title: str) -> Figure:
    """Draw rows of frames under their `heads`: label -> (K, H, W, C) uint8."""
    return _labelled_sheet(np.stack([*rows.values()]), [*rows], title, heads)


def sample_figure(images: Frames) -> Figure:
    """Draw frames that were decoded from the prior, in reading order: (B, H, W, C) uint8."""
    full = images[: len(images) // COLUMNS * COLUMNS] if len(images) > COLUMNS else images
    rows = full.reshape(-1, min(COLUMNS, len(full)), *full.shape[1:])
    return _labelled_sheet(rows, [""] * len(rows), "Samples from the prior")


def traversal_figure(
    images: Frames, kl: ArrayLike, values: ArrayLike, unit: str = "nats", rows: int = 16
) -> Figure:
    """Draw one row for each latent, the largest first: (Z, K, H, W, C) uint8, (Z,), (K,).

    `kl` is the size of each latent in `unit`, `values` are how far it is moved.
    """
    size, moves = np.asarray(kl, float), np.asarray(values, float)
    order = np.argsort(-size, kind="stable")[:rows]
    labels = [f"latent {latent}: {size[latent]:.2f} {unit}" for latent in order]
    shown = f"{len(order)} of {len(size)} latents" if len(order) < len(size) else "All latents"
    title = f"{shown}, each moved by so many of its deviations over the training frames"
    return _labelled_sheet(images[order], labels, title, [f"{move:+.3g}" for move in moves])


def grouped_figure(groups: Mapping[str, Frames], labels: Sequence[str], title: str) -> Figure:
    """Draw groups of frames side by side, each under its name: name -> (R, K, H, W, C) uint8.

    All groups have as many rows, which bear the `labels`.
    """
    width = next(iter(groups.values())).shape[3]
    sheets = [_sheet(rows) for rows in groups.values()]
    strip = np.full((len(sheets[0]), width // 2, 3), 255, np.uint8)
    sheet = np.concatenate([part for one in sheets for part in (one, strip)][:-1], axis=1)
    figure, axes = _framed(sheet, width, LABEL_INCHES, 0.5, title)
    _label(axes, labels, [])
    starts = np.cumsum([0, *(one.shape[1] + width // 2 for one in sheets)])
    for start, name in zip(starts, groups, strict=False):
        axes.text(
            start / sheet.shape[1], 1.0, name, va="bottom", fontsize=8, transform=axes.transAxes
        )
    axes.set_title(title, loc="left", fontsize=10, pad=16)
    return figure


def training_figure(curves: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Draw rate and distortion of the splits "train" and "validation", each over its "step"."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    panels = {"rate": "Rate (KL, nats)", "distortion": "Distortion (nats)"}
    for axes, (name, title) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        for split, (label, color) in SPLITS.items():
            curve = curves[split]
            axes.plot(curve["step"], curve[name], color=color, label=label, linewidth=1.6)
        axes.set_title(title, loc="left", fontsize=11)
        axes.set_xlabel("step")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    return figure


def _labelled_sheet(
    rows: Frames, labels: Sequence[str], title: str, heads: Sequence[str] = ()
) -> Figure:
    """Draw frames (R, K, H, W, C) uint8 with a label per row, a head per column and a title."""
    left, top = LABEL_INCHES if any(labels) else 0.05, 0.45 if heads else 0.3
    figure, axes = _framed(_sheet(rows), rows.shape[3], left, top, title)
    _label(axes, labels, heads)
    axes.set_title(title, loc="left", fontsize=10, pad=16 if heads else 5)
    return figure


def _framed(sheet: Frames, cell: int, left: float, top: float, title: str) -> tuple[Figure, Axes]:
    """Draw a sheet, enlarged, with room in inches for labels and title.

    `cell` is how many pixels wide one of its frames is.
    """
    scale = math.ceil(CELL / (cell + GAP)) / DPI
    width, height = scale * sheet.shape[1], scale * sheet.shape[0]
    figure = Figure(figsize=(left + max(width, TITLE * len(title)), height + top), dpi=DPI)
    total_width, total_height = figure.get_size_inches()
    axes = figure.add_axes((left / total_width, 0, width / total_width, height / total_height))
    axes.imshow(sheet, interpolation="nearest", aspect="auto")
    axes.axis("off")
    return figure, axes


def _label(axes: Axes, labels: Sequence[str], heads: Sequence[str]) -> None:
    """Write the labels in fractions of the axes, so that their distance is that of any sheet."""
    for row, label in enumerate(labels):
        height = 1 - (row + 0.5) / len(labels)
        axes.text(
            -0.01, height, label, ha="right", va="center", fontsize=8, transform=axes.transAxes
        )
    for column, head in enumerate(heads):
        place = (column + 0.5) / len(heads)
        axes.text(place, 1.0, head, ha="center", va="bottom", fontsize=8, transform=axes.transAxes)


def _sheet(rows: Frames) -> Frames:
    """Join frames (R, K, H, W, C) to one RGB image with white gaps between them."""
    if rows.shape[-1] == 1:
        rows = np.repeat(rows, 3, axis=-1)
    count, columns, height, width, _ = rows.shape
    sheet = np.full((count, height + GAP, columns, width + GAP, 3), 255, np.uint8)
    sheet[:, :height, :, :width] = rows.transpose(0, 2, 1, 3, 4)
    return sheet.reshape(count * (height + GAP), columns * (width + GAP), 3)
