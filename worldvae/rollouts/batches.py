"""Windows of frames from many episodes by one index, straight from their files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from worldvae.errors import ArtifactError
from worldvae.rollouts.manifest import Record, Split
from worldvae.rollouts.store import RolloutStore

HEADER = 64  # numpy pads the header of an .npy file to a multiple of so many bytes


class StoredFrames:
    """One split of a store, its times t numbered 0 ... len - 1 in the order of the manifest.

    An example is the T frames from t - before to t + ahead; at an episode's start its first
    frame stands for those before it, and its last `ahead` frames are no t. With the default
    numbers an example is one frame.

    Args:
        records: Narrows the choice, e.g. to `store.healthy()`; None takes all.
        with_actions: Also give the actions taken from t to t + ahead.
    """

    def __init__(
        self,
        store: RolloutStore,
        split: Split,
        records: Sequence[Record] | None = None,
        before: int = 0,
        ahead: int = 0,
        with_actions: bool = False,
    ) -> None:
        every = store.records if records is None else records
        self._store, self._every = store, every
        chosen = [record for record in every if record.split == split]
        self.records = [record for record in chosen if record.length + 1 > ahead]
        self._paths = [str(store.frames_path(record)) for record in self.records]
        self._before, self._ahead, self._with_actions = before, ahead, with_actions
        lengths = [record.length + 1 - ahead for record in self.records]
        self._starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def locate(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(B,) numbers -> which of `records` each is in, and its time t there, both (B,)."""
        owners = np.searchsorted(self._starts, indices, side="right") - 1
        return owners, indices - self._starts[owners]

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(B,) numbers -> (B, H, W, T C) uint8, the oldest frame first, a copy.

        Raises ArtifactError if a file has gone or is too short.
        """
        height, width, channels = self._store.env.frame.shape
        offsets = np.arange(-self._before, self._ahead + 1)
        batch = np.empty((len(indices), height, width, len(offsets), channels), np.uint8)
        owners, times = self.locate(indices)
        # In the order of the files, so that a disk reads forwards.
        for position in np.lexsort((times, owners)):
            wanted = np.maximum(times[position] + offsets, 0)
            frames = self._read(int(owners[position]), int(wanted[0]), int(wanted[-1]) + 1)
            batch[position] = frames[wanted - wanted[0]].transpose(1, 2, 0, 3)
        return batch.reshape(len(indices), height, width, -1)

    def _read(self, owner: int, start: int, stop: int) -> NDArray[np.uint8]:
        """Frames `start` to `stop` of one of `records`: (stop - start, H, W, C).

        Random batches take about one frame of each file, and to map a file for it costs 16 times
        what reading it does. The frames are the end of the file, whatever its header.
        """
        frames = np.empty((stop - start, *self._store.env.frame.shape), np.uint8)
        size, total, path = frames[0].nbytes, self.records[owner].length + 1, self._paths[owner]
        try:
            file = os.open(path, os.O_RDONLY)
            try:
                header = os.fstat(file).st_size - total * size
                count = os.preadv(file, [frames.data], max(header, 0) + start * size)
            finally:
                os.close(file)
        except OSError as error:
            raise ArtifactError(f"{path}: {error.strerror}") from None
        if count != frames.nbytes or header < HEADER or header % HEADER:
            raise ArtifactError(f"{path}: not {total} frames any more; run again to leave it out")
        return frames

    def actions(self, indices: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """(B,) numbers -> the K = ahead actions from t on, (B, K, A); None if not asked for.

        Discrete actions are one-hot over those that occur in any split.
        """
        if not self._with_actions:
            return None
        owners, times = self.locate(indices)
        steps = times[:, None] + np.arange(self._ahead)
        return np.stack([self._taken[own][step] for own, step in zip(owners, steps, strict=True)])

    @cached_property
    def _taken(self) -> list[NDArray[np.float32]]:
        """The actions of each of `records`, (T, A)."""
        actions = [self._store.arrays(record)["action"] for record in self._every]
        if np.issubdtype(actions[0].dtype, np.integer):
            first = min(0, *(int(taken.min()) for taken in actions))
            last = max(int(taken.max()) for taken in actions)
            identity = np.eye(last - first + 1, dtype=np.float32)
            actions = [identity[taken - first] for taken in actions]
        own = {record.name for record in self.records}
        pairs = zip(self._every, actions, strict=True)
        return [
            taken.reshape(len(taken), -1).astype(np.float32)
            for record, taken in pairs
            if record.name in own
        ]
