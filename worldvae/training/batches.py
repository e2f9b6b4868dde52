"""What `fit` knows of data: batches of examples, and sets from which they are read by number."""

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
    """B examples that a model learns from in one step; a `TensorBatch` is one."""

    def __len__(self) -> int:
        """B: a validation set's metrics are means over its batches, weighted by it."""

    def to(self, device: torch.device, /) -> Self:
        """The same batch on `device`."""

    def pinned(self) -> Self:
        """The same batch in memory that a GPU can read by itself."""

    def of_share(self, share: Share, /) -> Self:
        """The same batch, which now knows that it is `share` of a larger one."""


AnyBatch = TypeVar("AnyBatch", bound=Batch)
AnyBatch_co = TypeVar("AnyBatch_co", bound=Batch, covariant=True)
Read = Callable[[Numbers], AnyBatch]
"""Turns (B,) numbers of examples into their batch."""


class Examples(Protocol[AnyBatch_co]):
    """A set of examples that are read by their numbers 0 ... len - 1."""

    def __len__(self) -> int:
        """The number of examples."""

    def read(self, indices: Numbers, /) -> AnyBatch_co:
        """A fresh batch of the examples at `indices` (B,), in that order, on the CPU."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What a checkpoint notes of the set, in values of JSON: one of another is refused."""


@dataclass(frozen=True)
class TensorBatch:
    """A batch whose fields are tensors of B rows each; a field may also be None.

    A subclass is a frozen dataclass that names the fields. Where several processes learn from one
    batch, `share` says which of its rows these are. Because its tensors are known, all examples of
    a set can be kept on a GPU.
    """

    share: Share = field(default=WHOLE, kw_only=True)

    def __len__(self) -> int:
        return len(next(iter(self.tensors().values())))

    def tensors(self) -> dict[str, Tensor]:
        """Name of the field -> its tensor (B, ...), without the fields that are None."""
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    def each(self, change: Callable[[Tensor], Tensor]) -> Self:
        """The same batch with `change` made to every tensor."""
        changed: dict[str, Any] = {name: change(part) for name, part in self.tensors().items()}
        return replace(self, **changed)

    def to(self, device: torch.device) -> Self:
        """The same batch on `device`; a pinned one is copied while the device computes."""
        behind = device.type == "cuda"  # towards the CPU nobody would wait for the copy
        return self.each(lambda part: part.to(device, non_blocking=behind))

    def pinned(self) -> Self:
        """The same batch in memory that a GPU can read by itself."""
        return self.each(lambda part: part.pin_memory())

    def of_share(self, share: Share) -> Self:
        """The same batch, which now knows that it is `share` of a larger one."""
        return replace(self, share=share)


def even_batches(examples: Examples[AnyBatch], batch_size: int, limit: int) -> Iterator[AnyBatch]:
    """At most `limit` examples spread evenly over the set, in order, in batches."""
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
    """Batches for steps `first`, ...; the next is read while the model learns from one.

    Batch s is places s B to (s + 1) B of `endless_order`, so no state need be kept.

    Args:
        share: Which rows of each batch are given and read.
        read: Reads the examples of a batch by their numbers; None: `examples` does.
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
