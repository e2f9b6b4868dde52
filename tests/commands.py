"""Commands as a user types them, each in a process of its own that need not import all again.

A command takes seconds to import torch and its like, and so does each worker that it starts, and
the tests type dozens. They are forked from a server that has imported what commands import; what a
process does by itself (its imports, how a worker starts and ends with its parent) is tested on
processes that start from nothing.
"""

from __future__ import annotations

import os
import runpy
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from subprocess import CompletedProcess

from tests.processes import PATIENCE

ROOT = Path(__file__).parents[1]
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["tests.preloaded"])


def run(*words: str | Path, check: bool = True) -> CompletedProcess[str]:
    """`python -m WORDS` from the root of the checkout; with `check`, it has to succeed."""
    done = Command(*words).wait(None)
    assert not check or done.returncode == 0, done.stderr
    return done


class Command:
    """`python -m WORDS` while it runs: to be interrupted, or to be killed with what it started.

    With `alone` it leads a process group and hears Ctrl-C, which the background of a shell ignores.
    """

    def __init__(self, *words: str | Path, alone: bool = False) -> None:
        self._typed, self._folder = [*map(str, words)], tempfile.TemporaryDirectory()
        self._texts = [Path(self._folder.name, name) for name in ("stdout", "stderr")]
        arguments = (self._typed, self._texts, dict(os.environ), alone)
        self._process = FORKS.Process(target=_run, args=arguments)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def wait(self, seconds: float | None = PATIENCE) -> CompletedProcess[str]:
        """What it printed, once it has ended, which is to be within `seconds`."""
        self._process.join(seconds)
        code = self._process.exitcode
        assert code is not None, f"{self._typed} does not end"
        with self._folder:
            return CompletedProcess(self._typed, code, *(path.read_text() for path in self._texts))

    def kill(self) -> CompletedProcess[str]:
        """SIGKILL to its process group; its workers have groups of their own."""
        os.killpg(self.pid, signal.SIGKILL)
        return self.wait()


@contextmanager
def workers_forked() -> Iterator[None]:
    """Have the workers of this process's pools forked, too."""
    # Not above: it imports what commands import, and whoever types them need not.
    from tests.forked import forked_workers, serve

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server = FORKS.Process(target=serve, args=(theirs,))
    server.start()
    theirs.close()
    with forked_workers(ours):
        yield
    ours.close()
    server.join()


def _run(words: list[str], texts: list[Path], environment: dict[str, str], alone: bool) -> None:
    if alone:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for path, descriptor in zip(texts, (1, 2), strict=True):
        with path.open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    sys.argv = words
    from tests.forked import forked_workers, start_server

    with forked_workers(start_server()):
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
