"""How batches reach the device: all frames lie there already, or the next one is on its way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from worldvae.autoencoders.pixels import Batch, FrameSource, read_batch

# The rest of a GPU's free memory is for weights, activations and other programs.
RESIDENT_SHARE = 0.5
CHUNK = 1_024

Reader = Callable[[NDArray[np.int64]], Batch]


def reader(source: FrameSource, device: torch.device) -> Reader:
    """What turns (B,) numbers of examples into their batch: from `device` if they fit there."""
    if device.type != "cuda":
        return lambda indices: read_batch(source, indices)
    free, _ = torch.cuda.mem_get_info(device)
    if fits(source, free):
        return ResidentFrames(source, device)
    return lambda indices: read_batch(source, indices).pinned()


def fits(source: FrameSource, free: int) -> bool:
    """Whether all examples take at most RESIDENT_SHARE of `free` bytes."""
    one = source.gather(np.zeros(1, np.int64)).nbytes
    return len(source) * one <= RESIDENT_SHARE * free


class ResidentFrames:
    """All examples of `source` on `device`, whence batches are gathered by index."""

    def __init__(self, source: FrameSource, device: torch.device) -> None:
        first = read_batch(source, np.zeros(1, np.int64))
        shape = (len(source), *first.frames.shape[1:])
        self._frames = torch.empty(shape, dtype=torch.uint8, device=device)
        numbers = np.arange(len(source))
        for start in range(0, len(source), CHUNK):
            chunk = torch.from_numpy(source.gather(numbers[start : start + CHUNK]))
            self._frames[start : start + CHUNK] = chunk.to(device)
        actions = None if first.actions is None else source.actions(numbers)
        self._actions = None if actions is None else torch.from_numpy(actions).to(device)

    def __call__(self, indices: NDArray[np.int64]) -> Batch:
        chosen = torch.from_numpy(indices).to(self._frames.device)
        actions = None if self._actions is None else self._actions[chosen]
        return Batch(self._frames[chosen], actions)
