"""Frames in store (uint8, channels last), frames in a network (float), and the door between."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldvae.errors import ArtifactError
from worldvae.seeding import numpy_stream
from worldvae.training.share import WHOLE, Share

Pixels = TypeVar("Pixels", Tensor, NDArray[np.uint8])


@dataclass(frozen=True)
class Batch:
    """B examples, each a window of T frames in a row.

    frames (B, H, W, T C) uint8, the oldest first; actions (B, K, A) float32, those between the
    newest input and the target, where the objective asks for them. Where several processes learn
    from one batch, `share` tells which of its rows these are.
    """

    frames: Tensor
    actions: Tensor | None = None
    share: Share = WHOLE

    def __len__(self) -> int:
        return len(self.frames)

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device`; a pinned one is copied while the device computes."""
        behind = device.type == "cuda"  # towards the CPU nobody would wait for the copy
        actions = None if self.actions is None else self.actions.to(device, non_blocking=behind)
        return replace(self, frames=self.frames.to(device, non_blocking=behind), actions=actions)

    def pinned(self) -> Batch:
        """The same batch in memory that a GPU can read by itself."""
        actions = None if self.actions is None else self.actions.pin_memory()
        return replace(self, frames=self.frames.pin_memory(), actions=actions)


@dataclass(frozen=True)
class Window:
    """Which frames around time t make one example: the input ends at t, the target is t + ahead.

    `with_previous` asks for the frame before the target too, from which motion is seen.
    """

    stack: int = 1
    ahead: int = 0
    with_previous: bool = False

    @property
    def before(self) -> int:
        """Frames before t."""
        return max(self.stack - 1, 1 if self.with_previous and self.ahead == 0 else 0)

    @property
    def length(self) -> int:
        """T, all frames of one example."""
        return self.before + 1 + self.ahead

    def inputs(self, frames: Pixels) -> Pixels:
        """What is encoded: (B, H, W, T C) -> (B, H, W, stack C)."""
        channels = self._channels(frames)
        end = (self.before + 1) * channels
        return frames[..., end - self.stack * channels : end]

    def target(self, frames: Pixels) -> Pixels:
        """What is to be decoded: (B, H, W, T C) -> (B, H, W, C)."""
        return frames[..., -self._channels(frames) :]

    def previous(self, frames: Pixels) -> Pixels:
        """The frame before the target: (B, H, W, T C) -> (B, H, W, C)."""
        channels = self._channels(frames)
        return frames[..., -2 * channels : -channels]

    def _channels(self, frames: Pixels) -> int:
        return int(frames.shape[-1]) // self.length


class FrameSource(Protocol):
    """Examples that are read by number: a rollout store's split, or an array in a test."""

    def __len__(self) -> int:
        """The number of examples."""

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """A fresh array of the windows at `indices`: (B,) int64 -> (B, H, W, T C) uint8."""

    def actions(self, indices: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """The actions of those windows, (B, K, A), if they are asked for."""


def to_float(frames: Tensor) -> Tensor:
    """(B, H, W, C) uint8 -> (B, C, H, W) float32 in [0, 1], on the device where `frames` lie.

    No copy reorders the memory: channels-last frames permuted are a channels_last tensor.
    """
    return frames.permute(0, 3, 1, 2).to(torch.float32) / 255


def to_uint8(images: Tensor) -> Tensor:
    """(B, C, H, W) float in [0, 1] -> (B, H, W, C) uint8, rounded; the inverse of `to_float`."""
    levels = images.clamp(0, 1).mul(255).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous()


def frame_batches(source: FrameSource, batch_size: int, limit: int) -> Iterator[Batch]:
    """At most `limit` examples spread evenly over `source`, in order, in batches."""
    chosen = evenly(len(source), limit)
    for start in range(0, len(chosen), batch_size):
        yield read_batch(source, chosen[start : start + batch_size])


def evenly(total: int, limit: int) -> NDArray[np.int64]:
    """At most `limit` of the numbers 0 ... total - 1, spread evenly: (min(total, limit),)."""
    return np.linspace(0, total - 1, min(total, limit)).round().astype(np.int64)


def shuffled_batches(
    source: FrameSource,
    batch_size: int,
    seed: int,
    first: int,
    share: Share = WHOLE,
    reader: Callable[[NDArray[np.int64]], Batch] | None = None,
) -> Generator[Batch]:
    """Batches for steps `first`, ...; the next is read while the model learns from one.

    Batch s is places s B to (s + 1) B of `endless_order`, so no state need be kept.

    Args:
        share: Which rows of each batch are given and read.
        reader: Reads the examples of a batch by their numbers; None: from `source`.
    """

    order = endless_order(len(source), seed, first * batch_size)

    def read() -> Batch:
        numbers = np.fromiter(islice(order, batch_size), np.int64, batch_size)
        numbers = numbers[share.rows(batch_size)]
        batch = reader(numbers) if reader else read_batch(source, numbers)
        return replace(batch, share=share)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(read)
        while True:
            batch = waiting.result()
            waiting = pool.submit(read)
            yield batch


def endless_order(total: int, seed: int, start: int) -> Iterator[int]:
    """The numbers below `total`, shuffled anew for each epoch, from place `start` of that row."""
    epoch, skipped = divmod(start, total)
    while True:
        yield from numpy_stream(seed, "epoch", epoch).permutation(total)[skipped:]
        epoch, skipped = epoch + 1, 0


def read_batch(source: FrameSource, indices: NDArray[np.int64]) -> Batch:
    """The examples of `source` at `indices` (B,)."""
    actions = source.actions(indices)
    return Batch(
        torch.from_numpy(source.gather(indices)),
        None if actions is None else torch.from_numpy(actions),
    )


def check_not_empty(source: FrameSource, name: str) -> None:
    """Raise ArtifactError if the split `name` holds no frame."""
    if len(source) == 0:
        raise ArtifactError(
            f"the {name} split holds no frames; collect more episodes or give it a larger share"
        )
