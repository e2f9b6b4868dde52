"""Frames of many episodes by one index, straight from the memory maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from worldvae.rollouts.store import Record, RolloutStore, Split


class StoredFrames:
    """All frames of one split of a store, numbered 0 ... len - 1 in the order of the manifest."""

    def __init__(
        self, store: RolloutStore, split: Split, records: Sequence[Record] | None = None
    ) -> None:
        """`records` narrows the choice, e.g. to `store.healthy()`; None takes all."""
        every = store.records if records is None else records
        self._store = store
        self._records = [record for record in every if record.split == split]
        lengths = [record.length + 1 for record in self._records]
        self._starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(B,) frame numbers -> (B, H, W, C) uint8, a copy."""
        batch = np.empty((len(indices), *self._store.env.frame.shape), np.uint8)
        owners = np.searchsorted(self._starts, indices, side="right") - 1
        # In the order of the files, so that each is opened once per batch.
        for position in np.argsort(owners, kind="stable"):
            owner = owners[position]
            frames = self._store.frames(self._records[owner])
            batch[position] = frames[indices[position] - self._starts[owner]]
        return batch
