"""Which examples are read, and in which order; an example is known by its number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from worldvae.seeding import numpy_stream


def evenly(total: int, limit: int) -> NDArray[np.int64]:
    """Return at most `limit` of the numbers 0 ... total - 1, spread evenly, in order."""
    return np.linspace(0, total - 1, min(total, limit)).round().astype(np.int64)


def endless_order(total: int, seed: int, start: int) -> Iterator[int]:
    """Yield the numbers below `total` without end, shuffled anew for each epoch.

    The first is that at place `start` of this endless row; `seed` decides the order.
    """
    epoch, skipped = divmod(start, total)
    while True:
        yield from numpy_stream(seed, "epoch", epoch).permutation(total)[skipped:]
        epoch, skipped = epoch + 1, 0
