"""Which examples are read, and in which order: numbers of examples, no examples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from worldvae.seeding import numpy_stream


def evenly(total: int, limit: int) -> NDArray[np.int64]:
    """At most `limit` of the numbers 0 ... total - 1, spread evenly: (min(total, limit),)."""
    return np.linspace(0, total - 1, min(total, limit)).round().astype(np.int64)


def endless_order(total: int, seed: int, start: int) -> Iterator[int]:
    """The numbers below `total`, shuffled anew for each epoch, from place `start` of that row."""
    epoch, skipped = divmod(start, total)
    while True:
        yield from numpy_stream(seed, "epoch", epoch).permutation(total)[skipped:]
        epoch, skipped = epoch + 1, 0
