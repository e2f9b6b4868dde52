"""Encoding of few frames on a GPU by CUDA graphs.

For few frames the time goes into launching kernels, so they are recorded once and replayed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldvae.training.cuda_graph import WARM_UP, beside, record

Forward = Callable[[Tensor], Tensor]


class GraphForward:
    """Encodes frames through CUDA graphs: (B, H, W, C) uint8 -> (B, Z).

    There is one graph for each power of two, and a batch uses the smallest that holds it. So the
    final frames of ended episodes, which add to B, need no graph of their own.
    """

    def __init__(self, forward: Forward, shape: tuple[int, int, int], device: torch.device) -> None:
        self._forward, self._shape, self._device = forward, shape, device
        self._graphs: dict[int, _Graph] = {}
        # A graph reads and writes the same memory at each call, so threads take turns.
        self._turn = threading.Lock()

    @torch.inference_mode()
    def __call__(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        room = room_for(len(frames))
        with self._turn, torch.cuda.device(self._device):
            if room not in self._graphs:
                self._graphs[room] = _Graph(self._forward, (room, *self._shape))
            return self._graphs[room](frames)


def room_for(count: int) -> int:
    """Return the smallest power of two that is not below `count`."""
    return 1 << max(0, count - 1).bit_length()


class _Graph:
    """All kernels of one call of `forward` on frames of one shape, recorded once."""

    def __init__(self, forward: Forward, shape: tuple[int, int, int, int]) -> None:
        self._host = torch.zeros(shape, dtype=torch.uint8, pin_memory=True)
        self._frames = self._host.cuda()
        with beside(self._frames.device):
            for _ in range(WARM_UP):
                forward(self._frames)
        self._codes, self._replay = record(lambda: forward(self._frames), self._frames.device)

    def __call__(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Encode at most as many frames as were recorded; rows beyond them are not read."""
        np.copyto(self._host.numpy()[: len(frames)], frames)
        self._frames.copy_(self._host, non_blocking=True)
        self._replay()
        codes: NDArray[np.float32] = self._codes[: len(frames)].cpu().numpy()  # waits for all
        return codes
