"""Batches of windows of frames, read by number straight from the files of many episodes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from worldvae.envs.actions import action_size, encode_actions
from worldvae.errors import ArtifactError
from worldvae.rollouts.manifest import Record, Split
from worldvae.rollouts.store import RolloutStore

HEADER = 64  # numpy pads the header of an .npy file to a multiple of 64 bytes


class StoredFrames:
    """The examples of one split of a store, numbered 0 ... len - 1 in the order of the manifest.

    The example at time t of an episode is the T = before + 1 + ahead frames from t - before to
    t + ahead. Before the start of the episode its first frame is repeated. The last `ahead` frames
    of an episode have no example of their own. By default an example is one frame.

    Args:
        split: The split whose episodes are read.
        records: The episodes to choose from, such as `store.healthy()`; None takes all.
        before: How many frames an example holds before t.
        ahead: How many frames an example holds after t.
        with_actions: Whether `actions` returns the actions taken from t to t + ahead.
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
        self._store = store
        candidates = store.records if records is None else records
        chosen = [record for record in candidates if record.split == split]
        self.records = [record for record in chosen if record.length + 1 > ahead]
        self._paths = [str(store.frames_path(record)) for record in self.records]
        self._before, self._ahead, self._with_actions = before, ahead, with_actions
        lengths = [record.length + 1 - ahead for record in self.records]
        self._starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def locate(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the index in `records` of each example's episode, and its time t: both (B,)."""
        owners = np.searchsorted(self._starts, indices, side="right") - 1
        return owners, indices - self._starts[owners]

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return a copy of the examples at `indices` (B,): (B, H, W, T C) uint8, oldest first.

        Raises ArtifactError if a file is missing or has another size than when it was written.
        """
        height, width, channels = self._store.env.frame.shape
        offsets = np.arange(-self._before, self._ahead + 1)
        batch = np.empty((len(indices), height, width, len(offsets), channels), np.uint8)
        owners, times = self.locate(indices)
        # Files are read in their order on disk.
        for position in np.lexsort((times, owners)):
            wanted = np.maximum(times[position] + offsets, 0)
            frames = self._read(int(owners[position]), int(wanted[0]), int(wanted[-1]) + 1)
            batch[position] = frames[wanted - wanted[0]].transpose(1, 2, 0, 3)
        return batch.reshape(len(indices), height, width, len(offsets) * channels)

    def _read(self, owner: int, start: int, stop: int) -> NDArray[np.uint8]:
        """Return frames `start` to `stop` of the episode `owner`: (stop - start, H, W, C) uint8.

        Random batches take about one frame of each file, and mapping a file into memory costs 16
        times as much as reading one frame. The frames end the file, so its header is not parsed.
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
        """Return the K = ahead actions from t on of the examples at `indices` (B,): (B, K, A).

        Discrete actions are one-hot, those of a Box are flattened. Returns None without
        `with_actions`.
        """
        if not self._with_actions:
            return None
        owners, times = self.locate(indices)
        steps = times[:, None] + np.arange(self._ahead)
        taken = np.empty((*steps.shape, action_size(self._store.action_space)), np.float32)
        for row, (owner, step) in enumerate(zip(owners, steps, strict=True)):
            taken[row] = self._episode_actions[owner][step]
        return taken

    @cached_property
    def _episode_actions(self) -> list[NDArray[np.float32]]:
        """The actions of each episode in `records`: (T, A) each."""
        space = self._store.action_space
        arrays = map(self._store.arrays, self.records)
        return [encode_actions(array["action"], space) for array in arrays]
