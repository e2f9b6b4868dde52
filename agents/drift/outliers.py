"""Keeps the frames of a training that were least like those of its encoder."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldvae.checksum import read_checked_bytes, write_checked_bytes
from worldvae.diagnostics.drift import Readings

FRAMES_KEPT = 8

Columns = dict[str, NDArray[Any]]
"""The columns of the K strangest frames, the strangest first.

`frames` (K, H, W, C) uint8; `strangeness`, `distance` and `env_steps` (K,); if the encoder can
decode, `error` (K,) and `decoded` (K, H, W, C) uint8.
"""


class Outliers:
    """Keeps the FRAMES_KEPT strangest frames in the file `path`, which is replaced atomically.

    Args:
        env_steps: Where training resumes; frames seen later are dropped.
    """

    def __init__(self, path: Path, env_steps: int = 0) -> None:
        self._path = path
        saved = read_outliers(path)
        self._columns = _rows(saved, saved["env_steps"] <= env_steps) if saved else {}

    def add(
        self,
        frames: NDArray[np.uint8],
        readings: Readings,
        strangeness: NDArray[np.float64],
        env_steps: int,
    ) -> None:
        """Keep the strangest among the given frames (B, H, W, C) and those that are kept so far."""
        columns: Columns = {
            "frames": frames,
            "strangeness": strangeness,
            "distance": readings.distance,
            "env_steps": np.full(len(frames), env_steps),
        }
        if readings.error is not None and readings.decoded is not None:
            columns |= {"error": readings.error, "decoded": readings.decoded}
        if self._columns:
            columns = {
                name: np.concatenate([self._columns[name], new]) for name, new in columns.items()
            }
        order = np.argsort(-columns["strangeness"], kind="stable")[:FRAMES_KEPT]
        self._columns = _rows(columns, order)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **self._columns)  # type: ignore[arg-type]
        write_checked_bytes(self._path, buffer.getvalue())


def read_outliers(path: Path) -> Columns:
    """Read the file that `Outliers` wrote to `path`; empty if there is none."""
    if not path.exists():
        return {}
    data = read_checked_bytes(path, "remove it, and what it showed is not shown")
    with np.load(io.BytesIO(data), allow_pickle=False) as columns:
        return dict(columns)


def _rows(columns: Columns, chosen: NDArray[Any]) -> Columns:
    return {name: column[chosen] for name, column in columns.items()}
