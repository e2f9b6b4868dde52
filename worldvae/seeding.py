"""One seed -> named independent streams: a new consumer never shifts another's numbers."""

from __future__ import annotations

import zlib

import numpy as np


def derive(seed: int, *names: str | int) -> int:
    """A seed in [0, 2**31) for the stream `names`, e.g. `derive(0, "collect", episode)`."""
    return int(_sequence(seed, *names).generate_state(1, np.uint64)[0] >> 33)


def numpy_stream(seed: int, *names: str | int) -> np.random.Generator:
    """NumPy's generator for the stream `names`."""
    return np.random.default_rng(_sequence(seed, *names))


def _sequence(seed: int, *names: str | int) -> np.random.SeedSequence:
    words = [zlib.crc32(name.encode()) if isinstance(name, str) else name for name in names]
    return np.random.SeedSequence([seed, *words])
