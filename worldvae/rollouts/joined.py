"""The examples of several stores as one source."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from worldvae.rollouts.batches import StoredFrames


class JoinedFrames:
    """Examples of `parts`, of windows alike, numbered on from one part to the next."""

    def __init__(self, parts: Sequence[StoredFrames]) -> None:
        self._parts = [part for part in parts if len(part)]
        lengths = [len(part) for part in self._parts]
        self._starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(B,) numbers -> (B, H, W, T C) uint8, as `StoredFrames.gather`."""
        pairs = self._shares(indices)
        frames = [part.gather(indices[rows] - start) for part, start, rows in pairs]
        return np.concatenate(frames)[_back([rows for *_, rows in pairs])]

    def actions(self, indices: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """(B,) numbers -> (B, K, A), as `StoredFrames.actions`.

        A part in which the last discrete actions never occur has fewer columns: the others are 0.
        """
        pairs = self._shares(indices)
        taken = [part.actions(indices[rows] - start) for part, start, rows in pairs]
        known = [actions for actions in taken if actions is not None]
        if not known:
            return None
        first = np.zeros(1, np.int64)
        ones = (part.actions(first) for part in self._parts)
        width = max(one.shape[-1] for one in ones if one is not None)
        wide = [np.pad(one, ((0, 0), (0, 0), (0, width - one.shape[-1]))) for one in known]
        return np.concatenate(wide)[_back([rows for *_, rows in pairs])]

    def _shares(
        self, indices: NDArray[np.int64]
    ) -> list[tuple[StoredFrames, int, NDArray[np.intp]]]:
        """Each part that is asked, the number of its first example, and the rows it fills."""
        owners = np.searchsorted(self._starts, indices, side="right") - 1
        return [
            (self._parts[owner], int(self._starts[owner]), np.flatnonzero(owners == owner))
            for owner in np.unique(owners)
        ]


def _back(rows: list[NDArray[np.intp]]) -> NDArray[np.intp]:
    """What puts the parts, laid end to end, into the order that was asked for."""
    return np.argsort(np.concatenate(rows))
