"""Draws one picture of a comparison: reconstructions above the learning curves."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from agents.report.sections.curves import learning_figure
from agents.run.records import Run
from worldvae.files import atomic_write_bytes
from worldvae.plots.png import DPI, is_whole_png
from worldvae.stats import Resampling

WIDTH = 1280


def write_overview(run: Run) -> Path | None:
    """Write `overview.png` into the run's folder; None if a part of it is missing or damaged."""
    reconstructions = run.shown[1].folder / "encoder" / "reconstructions.png"
    if not reconstructions.exists() or not run.results:
        return None
    if not is_whole_png(reconstructions):
        warnings.warn(f"{reconstructions}: damaged, so no overview.png is made of it", stacklevel=2)
        return None
    pictures = [
        np.asarray(cv2.imread(str(reconstructions)), np.uint8),
        _picture(learning_figure(run, "env_steps", Resampling.seeded(0))),
    ]
    _, data = cv2.imencode(".png", np.concatenate([_resized(picture) for picture in pictures]))
    path = run.folder / "overview.png"
    atomic_write_bytes(path, data.tobytes())
    return path


def _picture(figure: Figure) -> NDArray[np.uint8]:
    """Return the figure as (H, W, 3) uint8 in OpenCV's BGR."""
    figure.set_size_inches(8, 2.9)  # from a phone's width to that of the reconstructions
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, facecolor="white")
    data = np.frombuffer(buffer.getvalue(), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _resized(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture scaled to WIDTH."""
    height = round(picture.shape[0] * WIDTH / picture.shape[1])
    resized = cv2.resize(picture, (WIDTH, height), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)
