"""`python -m agents.jobs.worker` does one job that `agents.jobs.process` sends through stdin.

The parent keeps that pipe open as long as it lives. When the parent ends, however it ends, the
system closes the pipe, and the worker kills itself and all processes that it has started.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from typing import IO

from worldvae.errors import WorldvaeError

TERMINATED = 128 + signal.SIGTERM


def pack(work: Callable[[], object]) -> bytes:
    """Return `work` pickled, as `send` expects it."""
    return pickle.dumps(work)


def send(packed: bytes, pipe: IO[bytes]) -> None:
    """Write packed work to `pipe` for `main`.

    It is pickled twice: `main` reads the outer pickle without importing what `work` needs, so
    that it watches the parent before the slow imports begin.
    """
    pickle.dump(packed, pipe)


def main() -> None:
    """Do the job; a user's mistake exits with one line, any other error with its traceback."""
    lifeline = os.dup(sys.stdin.fileno())
    with open(lifeline, "rb", closefd=False) as pipe:
        work = pickle.load(pipe)
    _replace_stdin()
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # runs `finally` blocks
    try:
        pickle.loads(work)()
    except WorldvaeError as error:
        sys.exit(f"error: {error}")


def _replace_stdin() -> None:
    """Replace stdin by the null device.

    A process that the job forks closes stdin, so the watch on the parent needs another descriptor.
    """
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)


def _end_with_parent(lifeline: int) -> None:
    """Wait until the parent closes the pipe, on which nothing else comes, then kill the group."""
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)  # includes the workers of environments


if __name__ == "__main__":
    main()
