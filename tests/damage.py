"""Random damage to the bytes of a file, as a disk, a copy or a hand does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

Harm = Callable[[bytes, np.random.Generator], bytes]


def flip(data: bytes, generator: np.random.Generator) -> bytes:
    """One bit."""
    changed = bytearray(data)
    changed[generator.integers(len(data))] ^= 1 << int(generator.integers(8))
    return bytes(changed)


def truncate(data: bytes, generator: np.random.Generator) -> bytes:
    return data[: generator.integers(len(data))]


def cut_lines(data: bytes, generator: np.random.Generator) -> bytes:
    """The end, from a line on; of a file without lines, a byte."""
    lines = data.splitlines(keepends=True)
    return b"".join(lines[: generator.integers(len(lines))]) if len(lines) > 1 else data[:-1]


def empty(data: bytes, generator: np.random.Generator) -> bytes:
    return b""


def append(data: bytes, generator: np.random.Generator) -> bytes:
    """Up to 40 bytes."""
    return data + generator.bytes(1 + int(generator.integers(40)))


def blank(data: bytes, generator: np.random.Generator) -> bytes:
    """A run of zeros, as a sector that was never written."""
    start = int(generator.integers(len(data)))
    length = min(1 + int(generator.integers(512)), len(data) - start)
    return data[:start] + bytes(length) + data[start + length :]


HARMS: Mapping[str, Harm] = {
    harm.__name__: harm for harm in (flip, flip, truncate, cut_lines, empty, append, blank)
}


@contextmanager
def damaged(path: Path, harm: str, seed: int) -> Iterator[bool]:
    """`path` with that harm for the block; whether its bytes differ at all."""
    whole = path.read_bytes()
    data = HARMS[harm](whole, np.random.default_rng(seed)) if whole else b"\0"
    path.write_bytes(data)
    try:
        yield data != whole
    finally:
        path.write_bytes(whole)
