"""What the machine itself does: how fast it copies memory, multiplies matrices, writes to disk."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field

from agents.benchmark.measure import Clock
from worldvae.json_files import Content

Resource = Literal["memory", "float32", "bfloat16", "disk"]

COPIED = 2**27
"""Bytes of the block that is copied, far more than a processor's cache holds."""
SIDE = 1_024
"""Rows and columns of the matrices."""
WRITTEN = 2**25
"""Bytes of the file that is written."""
TRIES, SECONDS = 3, 0.2
"""The least measurements and seconds; the fastest counts, which was disturbed least by others."""


class Speeds(Content):
    """The most that the machine did of each kind of work, a second, with all of torch's threads."""

    memory: float = Field(gt=0, description="Bytes read and written by copying a large block.")
    float32: float = Field(gt=0, description="Operations of a matrix product, float32.")
    bfloat16: float = Field(gt=0, description="Operations of a matrix product, bfloat16.")
    disk: float = Field(gt=0, description="Bytes written to a new file, and synchronised.")

    def best(self, other: Speeds) -> Speeds:
        """Return the greater of both speeds of each kind."""
        pairs = zip(dict(self).items(), dict(other).values(), strict=True)
        return Speeds(**{name: max(one, two) for (name, one), two in pairs})

    def __str__(self) -> str:
        return (
            f"memory copied at {self.memory / 1e9:.3g} GB/s (read and written), matrix products at "
            f"{self.float32 / 1e9:.3g} (float32) and {self.bfloat16 / 1e9:.3g} GFLOP/s (bfloat16), "
            f"a file written at {self.disk / 1e9:.3g} GB/s"
        )


def measure_speeds(device: str, clock: Clock, folder: Path) -> Speeds:
    """Measure the speeds of `device` and of the disk of `folder`, which takes about two seconds."""
    return Speeds(
        memory=2 * COPIED / _fastest(_copy(device), clock),
        float32=_product_rate(torch.float32, device, clock),
        bfloat16=_product_rate(torch.bfloat16, device, clock),
        disk=WRITTEN / _fastest(_write(folder), time.perf_counter),
    )


def _product_rate(dtype: torch.dtype, device: str, clock: Clock) -> float:
    """Return the operations a second of a square product; a multiplication and a sum are two."""
    left = torch.ones(SIDE, SIDE, dtype=dtype, device=device)
    out = torch.empty_like(left)
    return float(2 * SIDE**3 / _fastest(lambda: torch.matmul(left, left, out=out), clock))


def _copy(device: str) -> Callable[[], object]:
    source = torch.ones(COPIED, dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)
    return lambda: target.copy_(source)


def _write(folder: Path) -> Callable[[], object]:
    data, path = os.urandom(WRITTEN), folder / "written"

    def write() -> None:
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        path.unlink()

    return write


def _fastest(work: Callable[[], object], clock: Clock) -> float:
    """Return the seconds of the fastest of several calls, after one that is not counted."""
    work()
    seconds: list[float] = []
    while len(seconds) < TRIES or sum(seconds) < SECONDS:
        begin = clock()
        work()
        seconds.append(clock() - begin)
    return min(seconds)
