"""Waiting for what other processes do, and whether they live."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 120


def wait_until(is_so: Callable[[], bool], otherwise: str) -> None:
    """Fail with what `otherwise` says if it takes longer than anything should."""
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until, otherwise
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Not so of one that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    """Empty where the system does not tell."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def workers(pid: int) -> list[int]:
    """The processes below it that lead a group, as each worker of a pool does."""
    below = [*children(pid)]
    for one in below:  # grows
        below += children(one)
    return [one for one in below if is_alive(one) and os.getpgid(one) == one]


def ancestors(pid: int) -> list[int]:
    """The process that started it, and so on."""
    parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return [parent, *ancestors(parent)] if parent else []
