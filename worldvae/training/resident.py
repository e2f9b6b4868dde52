"""How batches reach the device: all examples lie there already, or each batch is sent in time."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
import torch

from worldvae.training.batches import AnyBatch, Examples, Numbers, Read, TensorBatch

# The rest of a GPU's free memory is for weights, activations and other programs.
RESIDENT_SHARE = 0.5
CHUNK = 1_024

Tensors = TypeVar("Tensors", bound=TensorBatch)


def reader(examples: Examples[AnyBatch], device: torch.device) -> Read[AnyBatch]:
    """Return what turns numbers of examples (B,) into their batch.

    On a GPU all examples are copied into its memory first, if they fit and their batches are a
    `TensorBatch`. Otherwise each batch is read when it is needed.
    """
    if device.type != "cuda":
        return examples.read
    one = examples.read(np.zeros(1, np.int64))
    free, _ = torch.cuda.mem_get_info(device)
    if isinstance(one, TensorBatch) and fits(one, len(examples), free):
        return ResidentExamples(examples, device)  # type: ignore[type-var]
    return lambda indices: examples.read(indices).pinned()


def fits(one: TensorBatch, count: int, free: int) -> bool:
    """Tell whether `count` examples like `one` take at most RESIDENT_SHARE of `free` bytes."""
    size = sum(part.nbytes for part in one.tensors().values())
    return count * size <= RESIDENT_SHARE * free


class ResidentExamples(Generic[Tensors]):
    """All examples of a set in the memory of `device`; a call gathers a batch by numbers."""

    def __init__(self, examples: Examples[Tensors], device: torch.device) -> None:
        count = len(examples)
        one = examples.read(np.zeros(1, np.int64))
        # Filled part by part: joined at the end they would need twice the memory.
        self._all = one.each(lambda part: part.new_empty((count, *part.shape[1:]), device=device))
        kept = self._all.tensors()
        for start in range(0, count, CHUNK):
            numbers = np.arange(start, min(start + CHUNK, count))
            for name, part in examples.read(numbers).tensors().items():
                kept[name][start : start + CHUNK] = part.to(device)

    def __call__(self, indices: Numbers) -> Tensors:
        def chosen(part: torch.Tensor) -> torch.Tensor:
            return part[torch.from_numpy(indices).to(part.device)]

        return self._all.each(chosen)
