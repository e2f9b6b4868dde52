"""Errors of decoded dreams where pixels move, by horizon.

What stands still is copied well by everything, so that only pixels that moved are scored.
Shapes: W windows, n dreams of each, K decisions, H horizons, Z latents, H W C image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from worldvae.autoencoders.likelihoods import MOTION_THRESHOLD
from worldvae.diagnostics.fidelity.metrics.bootstrap import EpisodeBootstrap
from worldvae.diagnostics.fidelity.metrics.open_loop import (
    COPY_LAST,
    MEAN,
    OpenLoop,
    compare_errors,
)
from worldvae.diagnostics.fidelity.windows import Floats, FrameReader, Windows
from worldvae.stats import Array

Decoder = Callable[[Floats], NDArray[np.uint8]]
"""Decodes whitened latents: (B, Z) -> (B, H, W, C)."""

PIXEL_HORIZONS = (1, 2, 4, 8, 16, 32, 64)
DECODED = 4
"""Dreams of each window that are decoded, since decoding takes longest."""

NOTHING_MOVES = "no pixel moves in the held-out windows"
RECONSTRUCTION = "reconstruction"
"""What the decoder makes of the real code: the least error that dreams can have."""


@dataclass(frozen=True)
class PixelSource:
    """What decoded latents are compared with."""

    decode: Decoder
    frames: FrameReader
    """Reads frames of the test windows."""
    mean_frame: Array
    """Of training, black 0 and white 1: (H, W, C)."""

    def on(self, rows: NDArray[np.int64]) -> PixelSource:
        """Return the source of some of the windows, by their numbers (W,)."""
        return replace(self, frames=lambda windows, times: self.frames(rows[windows], times))


def measure_pixels(
    windows: Windows,
    source: PixelSource,
    dreams: Mapping[str, Floats],
    horizons: tuple[int, ...],
    seed: int,
) -> OpenLoop | None:
    """Compare decoded dreams, name -> (W, N, K, Z), with the real frames where pixels moved.

    Errors are in units of the deviation from the mean training frame. None if no pixel moves.
    """
    chosen = tuple(k for k in horizons if k in PIXEL_HORIZONS)
    columns = [
        _errors_at(windows, source, {name: codes[:, :, k - 1] for name, codes in dreams.items()}, k)
        for k in chosen
    ]
    errors = {name: np.stack([column[name] for column in columns], 1) for name in columns[0]}
    mask, deviation = windows.targets[:, np.array(chosen) - 1], errors[MEAN]
    if not (deviation * mask).sum():
        return None
    bootstrap = EpisodeBootstrap.of(windows.episodes, seed)
    return compare_errors(errors, mask, chosen, bootstrap, deviation)


def _errors_at(
    windows: Windows, source: PixelSource, dreams: Mapping[str, Floats], horizon: int
) -> dict[str, Array]:
    """Return the error summed over the pixels that moved, dreams are (W, N, Z): (W,) each."""
    every = np.arange(len(windows))
    # Beyond the end of an episode there is no frame: the start stands for it and is masked.
    time = np.where(windows.targets[:, horizon - 1], horizon, 0)
    target = source.frames(every, time) / 255
    before = source.frames(every, np.maximum(time - 1, 0)) / 255
    moved = np.asarray((np.abs(target - before) > MOTION_THRESHOLD).any(-1))
    latents = next(iter(dreams.values())).shape[-1]
    real = windows.truth[:, None, horizon - 1, :latents]
    shown = {
        COPY_LAST: source.frames(every, np.zeros_like(time))[:, None] / 255,
        MEAN: source.mean_frame[None, None],
        RECONSTRUCTION: _decoded(source, real),
        **{name: _decoded(source, codes[:, :DECODED]) for name, codes in dreams.items()},
    }
    return {name: _error(pictures, target, moved) for name, pictures in shown.items()}


def _decoded(source: PixelSource, codes: Floats) -> Array:
    """Decode latents (W, n, Z): (W, n, H, W, C) in [0, 1]."""
    frames = source.decode(np.ascontiguousarray(codes.reshape(-1, codes.shape[-1])))
    return np.asarray(frames.reshape(*codes.shape[:2], *frames.shape[1:]) / 255)


def _error(shown: Array, target: Array, moved: NDArray[np.bool_]) -> Array:
    """Return the squared error of the mean of n pictures, fair in n: (W, n, H, W, C) -> (W,)."""
    error = np.square(shown.mean(1) - target)
    if shown.shape[1] > 1:
        error -= shown.var(1, ddof=1) / shown.shape[1]
    return np.asarray((error.mean(-1) * moved).sum((1, 2)))
