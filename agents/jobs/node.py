"""What a node of a cluster does with a job; it imports little, since each job's task holds it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

from agents.jobs.process import Process
from worldvae.files import locked

POLL_SECONDS = 0.2
PATIENCE_SECONDS = 300.0
"""For the lock of a node taken for dead: an NFS server gives it up after a lease of 90 seconds."""


def run_here(work: Callable[[], object], log: Path, threads: int, root: Path) -> tuple[int, str]:
    """Run `work` in a process of its own until it ends: its exit code and last words.

    However this call ends, so does the process: asked if it is interrupted, at once if it is
    killed. A process that cannot be started is one that failed.
    """
    try:
        process = Process(work, log, threads, root)
    except OSError as error:
        where = f"{socket.gethostname()}: {error.filename}: {error.strerror}"
        return 1, f"could not be started on {where} (every node needs the same folders)"
    try:
        while process.exit_code is None:
            time.sleep(POLL_SECONDS)
    finally:
        process.terminate()
        process.wait()
    return process.exit_code or 0, process.last_words


def alone(log: Path, name: str, work: Callable[[], object]) -> None:
    """Do `work` when nobody else does it, on any node; `log` tells where it was done."""
    with locked(log.parent, name, f".{log.name}.lock", PATIENCE_SECONDS):
        print(f"{name} on {socket.gethostname()}", flush=True)
        work()
