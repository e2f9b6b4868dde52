"""The examples of several stores, numbered as one set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from worldvae.rollouts.batches import StoredFrames


class JoinedFrames:
    """The examples of several `StoredFrames`, numbered on from one part to the next.

    All parts have windows of the same size.
    """

    def __init__(self, parts: Sequence[StoredFrames]) -> None:
        self._parts = [part for part in parts if len(part)] or [*parts[:1]]
        lengths = [len(part) for part in self._parts]
        self._starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return a copy of the examples at `indices` (B,): (B, H, W, T C) uint8."""
        pairs = self._shares(indices)
        frames = [part.gather(indices[rows] - start) for part, start, rows in pairs]
        return np.concatenate(frames)[_inverse_order([rows for *_, rows in pairs])]

    def actions(self, indices: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Return the actions of the examples at `indices` (B,): (B, K, A).

        None if the parts were made without actions.
        """
        pairs = self._shares(indices)
        found = [part.actions(indices[rows] - start) for part, start, rows in pairs]
        arrays = [actions for actions in found if actions is not None]
        if not arrays:
            return None
        return np.concatenate(arrays)[_inverse_order([rows for *_, rows in pairs])]

    def _shares(
        self, indices: NDArray[np.int64]
    ) -> list[tuple[StoredFrames, int, NDArray[np.intp]]]:
        """Return each part that holds some of `indices` (B,); of none, the first one.

        With it comes the number of its first example, and the rows of the batch that it fills.
        """
        owners = np.searchsorted(self._starts, indices, side="right") - 1
        return [
            (self._parts[owner], int(self._starts[owner]), np.flatnonzero(owners == owner))
            for owner in (np.unique(owners) if len(owners) else (0,))
        ]


def _inverse_order(rows: list[NDArray[np.intp]]) -> NDArray[np.intp]:
    """Return the index that brings the joined parts into the order of the requested batch: (B,)."""
    return np.argsort(np.concatenate(rows))
