"""Derives named, independent random streams from one seed, so that none depends on another."""

from __future__ import annotations

import zlib

import numpy as np


def derive(seed: int, *names: str | int) -> int:
    """Return a seed in [0, 2**31) for the stream `names`, e.g. `derive(0, "collect", episode)`."""
    return int(_sequence(seed, *names).generate_state(1, np.uint64)[0] >> 33)


def numpy_stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return a NumPy generator for the stream `names`."""
    return np.random.default_rng(_sequence(seed, *names))


def _sequence(seed: int, *names: str | int) -> np.random.SeedSequence:
    words = [zlib.crc32(name.encode()) if isinstance(name, str) else name for name in names]
    return np.random.SeedSequence([seed, *words])
