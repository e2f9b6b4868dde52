"""What a cluster's node does with a job; it imports little, because every waiting task holds it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

from agents.jobs.process import Process
from worldvae.locks import locked

POLL_SECONDS = 0.2
PATIENCE_SECONDS = 300.0
"""How long to wait for the lock of a lost node: an NFS server releases it after 90 seconds."""


def run_in_process(
    work: Callable[[], object], log: Path, threads: int, root: Path
) -> tuple[int, str]:
    """Run `work` in a new process until it ends; return its exit code and error message.

    The process ends with this call: it is terminated if the call is interrupted, and killed if the
    caller is killed. A process that cannot be started counts as failed.
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
    return process.exit_code or 0, process.error_message


def run_exclusively(log: Path, name: str, work: Callable[[], object]) -> None:
    """Call `work` while no other process on any node runs it; print the node's name to `log`."""
    with locked(log.parent, name, f".{log.name}.lock", PATIENCE_SECONDS):
        print(f"{name} on {socket.gethostname()}", flush=True)
        work()
