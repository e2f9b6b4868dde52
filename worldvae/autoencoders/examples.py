"""Frames as examples to learn from: windows of frames, read in batches by their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldvae.training.batches import TensorBatch, even_batches


@dataclass(frozen=True)
class FrameBatch(TensorBatch):
    """B windows of T frames in a row.

    frames (B, H, W, T C) uint8, the oldest first. actions (B, K, A) float32 are those between the
    newest input and the target; None where the objective does not ask for them.
    """

    frames: Tensor
    actions: Tensor | None = None


class FrameSource(Protocol):
    """Windows of frames that are read by number: one split of a rollout store, or an array."""

    def __len__(self) -> int:
        """Return the number of windows."""

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return a new array of the windows at `indices`: (B,) int64 -> (B, H, W, T C) uint8."""

    def actions(self, indices: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Return the actions of those windows, (B, K, A), or None if nobody asks for them."""


class FrameExamples:
    """The windows of a `FrameSource` as the examples that `fit` reads."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source

    def __len__(self) -> int:
        return len(self._source)

    def read(self, indices: NDArray[np.int64]) -> FrameBatch:
        """Return the windows at `indices` (B,)."""
        actions = self._source.actions(indices)
        return FrameBatch(
            torch.from_numpy(self._source.gather(indices)),
            None if actions is None else torch.from_numpy(actions),
        )

    @property
    def identity(self) -> dict[str, Any]:
        """Describe the windows by their number and the shape (H, W, T C) of one."""
        shape = self._source.gather(np.zeros(1, np.int64)).shape[1:]
        return {"examples": len(self), "shape": list(shape)}


def frame_batches(source: FrameSource, batch_size: int, limit: int) -> Iterator[FrameBatch]:
    """Yield batches of at most `limit` windows, which are spread evenly over `source`, in order."""
    return even_batches(FrameExamples(source), batch_size, limit)
