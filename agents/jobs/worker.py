"""`python -m agents.jobs.worker` does one job that `agents.jobs.process` sends through stdin.

The parent keeps that pipe open as long as it lives. However it ends, the system closes the pipe,
and the worker ends with all that it has started.
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
    """What `send` sends."""
    return pickle.dumps(work)


def send(packed: bytes, pipe: IO[bytes]) -> None:
    """What `main` reads: pickled twice, so that nothing is imported before the watch begins."""
    pickle.dump(packed, pipe)


def main() -> None:
    """Do the job; a user's mistake is one line, anything else its traceback."""
    lifeline = os.dup(sys.stdin.fileno())
    with open(lifeline, "rb", closefd=False) as pipe:
        work = pickle.load(pipe)
    _read_nothing_from_stdin()
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # one that is stopped tidies up
    try:
        pickle.loads(work)()
    except WorldvaeError as error:
        sys.exit(f"error: {error}")


def _read_nothing_from_stdin() -> None:
    """A process that the job forks closes stdin: it must not be what the watch waits on."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)


def _end_with_parent(lifeline: int) -> None:
    """Wait for the end of the pipe, to which nothing else comes."""
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)  # the workers of environments, too


if __name__ == "__main__":
    main()
