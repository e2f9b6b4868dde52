"""Data that are no frames: numbers, and sequences of different lengths with masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from worldvae.config import Config
from worldvae.training.batches import TensorBatch
from worldvae.training.share import Share


class NumberBatch:
    """The least that a `Batch` can be."""

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def to(self, device: torch.device) -> NumberBatch:
        return NumberBatch(self.values.to(device))

    def pinned(self) -> NumberBatch:
        return NumberBatch(self.values.pin_memory())

    def of_share(self, share: Share) -> NumberBatch:
        return self


class NumberExamples:
    """One number is one example."""

    def __init__(self, *values: float) -> None:
        self.values = torch.tensor(values)

    def __len__(self) -> int:
        return len(self.values)

    def read(self, indices: NDArray[np.int64]) -> NumberBatch:
        return NumberBatch(self.values[torch.from_numpy(indices)])

    @property
    def identity(self) -> dict[str, Any]:
        return {"values": self.values.tolist()}


@dataclass(frozen=True)
class SequenceBatch(TensorBatch):
    """Latents (B, T, Z) and which of them there are, mask (B, T)."""

    latents: Tensor
    mask: Tensor


class Sequences:
    """`count` random walks of 2 to 6 steps; reading raises `death` at the `dies_at`-th time."""

    def __init__(self, count: int, seed: int, dies_at: int | None = None) -> None:
        generator = torch.Generator().manual_seed(seed)
        lengths = [2 + k % 5 for k in range(count)]
        walks = [torch.randn(length, 3, generator=generator).cumsum(0) for length in lengths]
        self.latents = pad_sequence(walks, batch_first=True)
        self.mask = torch.arange(self.latents.shape[1]) < torch.tensor(lengths)[:, None]
        self.dies_at, self.reads = dies_at, 0

    def __len__(self) -> int:
        return len(self.mask)

    def read(self, indices: NDArray[np.int64]) -> SequenceBatch:
        self.reads += 1
        if self.reads == self.dies_at:
            raise InterruptedError
        rows = torch.from_numpy(indices)
        return SequenceBatch(self.latents[rows], self.mask[rows])

    @property
    def identity(self) -> dict[str, Any]:
        return {"sequences": len(self)}


class Memory(nn.Module):
    """A GRU that predicts the next latent of noisy ones; its loss counts what the mask has."""

    def __init__(self) -> None:
        super().__init__()
        self.config = Config()
        torch.manual_seed(0)
        self.core, self.head = nn.GRU(3, 5, batch_first=True), nn.Linear(5, 3)

    def loss(
        self, batch: SequenceBatch, generator: torch.Generator, step: int | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        noise = batch.share.draw(torch.randn, batch.latents.shape, generator)
        memory, _ = self.core(batch.latents + 0.1 * noise)
        error = (self.head(memory[:, :-1]) - batch.latents[:, 1:]).square().mean(-1)
        there = batch.mask[:, 1:].float()
        loss = ((error * there).sum(1) / there.sum(1)).mean()
        return loss, {"loss": loss.detach(), "steps": there.sum(1).mean()}
