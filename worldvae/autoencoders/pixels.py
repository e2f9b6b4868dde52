"""Frames in store (uint8, channels last), frames in a network (float), and the door between."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import count
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldvae.config import UserError
from worldvae.seeding import numpy_stream


class FrameSource(Protocol):
    """Frames that are read by number: a rollout store's split, or an array in a test."""

    def __len__(self) -> int:
        """The number of frames."""

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """A fresh array of the frames at `indices`: (B,) int64 -> (B, H, W, C) uint8."""


def to_float(frames: Tensor) -> Tensor:
    """(B, H, W, C) uint8 -> (B, C, H, W) float32 in [0, 1], on the device where `frames` lie.

    No copy reorders the memory: channels-last frames permuted are a channels_last tensor.
    """
    return frames.permute(0, 3, 1, 2).to(torch.float32) / 255


def to_uint8(images: Tensor) -> Tensor:
    """(B, C, H, W) float in [0, 1] -> (B, H, W, C) uint8, rounded; the inverse of `to_float`."""
    levels = images.clamp(0, 1).mul(255).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous()


def frame_batches(source: FrameSource, batch_size: int, limit: int) -> Iterator[Tensor]:
    """At most `limit` frames spread evenly over `source`, in order: batches (B, H, W, C) uint8."""
    total = min(len(source), limit)
    chosen = np.linspace(0, len(source) - 1, total).round().astype(np.int64)
    for start in range(0, total, batch_size):
        yield torch.from_numpy(source.gather(chosen[start : start + batch_size]))


def shuffled_batches(
    source: FrameSource, batch_size: int, seed: int, first: int
) -> Generator[Tensor]:
    """(B, H, W, C) uint8 for steps `first`, ...; the next is read while the model learns from one.

    Batch s is places s B to (s + 1) B of an endless row of permutations, so no state need be kept.
    """

    @lru_cache(maxsize=2)
    def permutation(epoch: int) -> NDArray[np.int64]:
        return numpy_stream(seed, "epoch", epoch).permutation(len(source))

    def read(step: int) -> Tensor:
        places = np.arange(step * batch_size, (step + 1) * batch_size)
        epochs, offsets = np.divmod(places, len(source))
        parts = [permutation(int(epoch))[offsets[epochs == epoch]] for epoch in np.unique(epochs)]
        return torch.from_numpy(source.gather(np.concatenate(parts)))

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(read, first)
        for following in count(first + 1):
            batch = waiting.result()
            waiting = pool.submit(read, following)
            yield batch


def check_not_empty(source: FrameSource, name: str) -> None:
    """Raise UserError if the split `name` holds no frame."""
    if len(source) == 0:
        raise UserError(
            f"the {name} split holds no frames; collect more episodes or give it a larger share"
        )
