"""What `fit` needs of data: batches of examples, and sets that read examples by their numbers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from itertools import islice
from typing import Any, Protocol, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldvae.errors import ArtifactError
from worldvae.indices import endless_order, evenly
from worldvae.training.share import WHOLE, Share

Numbers = NDArray[np.int64]


class Batch(Protocol):
    """B examples that a model learns from in one step; `TensorBatch` implements it for tensors."""

    def __len__(self) -> int:
        """Return B, by which `fit` weights the metrics of this batch in a mean over several."""

    def to(self, device: torch.device, /) -> Self:
        """Return the same batch on `device`."""

    def pinned(self) -> Self:
        """Return the same batch in page-locked memory, which a GPU reads without the processor."""

    def of_share(self, share: Share, /) -> Self:
        """Return the same batch with a note that it is `share` of a larger one."""


AnyBatch = TypeVar("AnyBatch", bound=Batch)
AnyBatch_co = TypeVar("AnyBatch_co", bound=Batch, covariant=True)
Read = Callable[[Numbers], AnyBatch]
"""Turns (B,) numbers of examples into their batch."""


class Examples(Protocol[AnyBatch_co]):
    """A set of examples, numbered 0 ... len - 1: what a model is trained on, or validated by."""

    def __len__(self) -> int:
        """Return the number of examples."""

    def read(self, indices: Numbers, /) -> AnyBatch_co:
        """Return a new batch of the examples at `indices` (B,), in that order, on the CPU."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """Describe the set in JSON's values; a run resumes only on a set of the same identity."""


@dataclass(frozen=True)
class TensorBatch:
    """A batch whose fields are tensors of B rows each; a field may also be None.

    A subclass is a frozen dataclass that names its fields. `share` says which rows of a larger
    batch these are, where several processes learn from one batch. If all examples of a set fit into
    a GPU's memory, `fit` keeps them there.
    """

    share: Share = field(default=WHOLE, kw_only=True)

    def __len__(self) -> int:
        """Return B."""
        return len(next(iter(self.tensors().values())))

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors (B, ...) by the names of their fields, without those that are None."""
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    def each(self, change: Callable[[Tensor], Tensor]) -> Self:
        """Return the same batch with `change` applied to every tensor."""
        changed: dict[str, Any] = {name: change(part) for name, part in self.tensors().items()}
        return replace(self, **changed)

    def to(self, device: torch.device) -> Self:
        """Return the same batch on `device`; a pinned batch is copied while the GPU computes."""
        behind = device.type == "cuda"  # towards the CPU nobody would wait for the copy
        return self.each(lambda part: part.to(device, non_blocking=behind))

    def pinned(self) -> Self:
        """Return the same batch in page-locked memory, which a GPU reads without the processor."""
        return self.each(lambda part: part.pin_memory())

    def of_share(self, share: Share) -> Self:
        """Return the same batch with a note that it is `share` of a larger one."""
        return replace(self, share=share)


def even_batches(examples: Examples[AnyBatch], batch_size: int, limit: int) -> Iterator[AnyBatch]:
    """Yield batches of at most `limit` examples, which are spread evenly over the set, in order."""
    chosen = evenly(len(examples), limit)
    for start in range(0, len(chosen), batch_size):
        yield examples.read(chosen[start : start + batch_size])


def shuffled_batches(
    examples: Examples[AnyBatch],
    batch_size: int,
    seed: int,
    first: int,
    share: Share = WHOLE,
    read: Read[AnyBatch] | None = None,
) -> Generator[AnyBatch]:
    """Yield the batches of steps `first`, `first` + 1, ... without end.

    The next batch is read in a thread while the model learns from this one. Batch s is places s B
    to (s + 1) B of `endless_order`, so a resumed run needs no state of it.

    Args:
        share: Which rows of each batch this process reads.
        read: Reads the examples of a batch by their numbers; None: `examples.read`.
    """
    order = endless_order(len(examples), seed, first * batch_size)

    def read_next() -> AnyBatch:
        numbers = np.fromiter(islice(order, batch_size), np.int64, batch_size)
        return (read or examples.read)(numbers[share.rows(batch_size)]).of_share(share)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(read_next)
        while True:
            batch = waiting.result()
            waiting = pool.submit(read_next)
            yield batch


def check_not_empty(examples: Sized, name: str) -> None:
    """Raise ArtifactError if the split `name` holds no example."""
    if len(examples) == 0:
        raise ArtifactError(
            f"the {name} split holds no examples; collect more episodes or give it a larger share"
        )
