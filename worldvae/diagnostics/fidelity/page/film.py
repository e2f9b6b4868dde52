"""The picture of one start: what really followed, and dreams of it under the same actions."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from worldvae.diagnostics.fidelity.dreams import dream
from worldvae.diagnostics.fidelity.metrics.open_loop import HORIZONS
from worldvae.diagnostics.fidelity.metrics.pixels import PixelSource
from worldvae.diagnostics.fidelity.subject import ExaminedDynamics
from worldvae.diagnostics.fidelity.windows import Windows
from worldvae.files import atomic_write_bytes
from worldvae.plots.frames import Frames, dream_figure
from worldvae.seeding import derive

FILM = "dream.png"
SHOWN = (1, 2, 4, 8, 16, 32, 64)
DRAWN = 2
"""Dreams that are shown."""


def draw_film(subject: ExaminedDynamics, temperature: float, seed: int, folder: Path) -> None:
    """Write `dream.png` into `folder`, if the encoder decodes."""
    if subject.pixels is None:
        return
    row = _ordinary(subject.windows.test)
    rows = film_rows(subject, subject.pixels, row, temperature, seed)
    heads = ["start", *(f"+{step}" for step in _steps(subject.windows.test, row))]
    figure = dream_figure(rows, heads, "One start under the same actions")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", pad_inches=0.05)
    atomic_write_bytes(folder / FILM, buffer.getvalue())


def film_rows(
    subject: ExaminedDynamics, pixels: PixelSource, row: int, temperature: float, seed: int
) -> dict[str, Frames]:
    """Return the frames at the start and at each step of window `row`: label -> (K, H, W, C)."""
    windows = subject.windows.test.chosen(np.array([row]))
    steps = np.array(_steps(windows, 0))
    actions = windows.actions[:, windows.past :]
    # Each by itself, so that one that ends does not go on as the other.
    drawn = [
        dream(subject.model, windows, actions, derive(seed, "film", draw), temperature, count=1)
        for draw in range(DRAWN)
    ]
    dreams = np.stack([one.codes[0, 0] for one in drawn])
    times = np.concatenate([[0], steps])
    start = np.repeat(windows.starts, DRAWN, axis=0)[:, None]
    latents = np.concatenate([start, dreams[:, steps - 1]], axis=1)[..., : subject.latents]
    real = windows.codes[0, windows.past + times, : subject.latents]
    return {
        "real": pixels.frames(np.full(len(times), row), times),
        "decoded": pixels.decode(real),
        "dream": pixels.decode(latents[0]),
        "another dream": pixels.decode(latents[1]),
    }


def _ordinary(windows: Windows) -> int:
    """Return the middle one of the windows that go on for longest: no choice of the best."""
    lengths = windows.targets.sum(1)
    longest = np.flatnonzero(lengths == lengths.max())
    return int(longest[len(longest) // 2])


def _steps(windows: Windows, row: int) -> tuple[int, ...]:
    length = int(windows.targets[row].sum())
    shown = tuple(step for step in SHOWN if step <= length)
    return shown or HORIZONS[:1]
