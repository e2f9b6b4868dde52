"""One job in a process of its own, which ends with this one and whose last words are kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from agents.jobs import worker
from agents.jobs.environment import DEFAULTS

GRACE_SECONDS = 10.0
"""What a job that is stopped may take to tidy up."""


class Process:
    """Under way, in a process group of its own, so that what it starts ends with it.

    Raises OSError if it cannot be started.

    Args:
        work: Called in the other process; pickled, so of functions that can be imported there.
        log: All that it prints is added to this file.
        threads: What it may compute with.
        root: Folder to run in, from which `agents` can be imported.
    """

    def __init__(
        self, work: Callable[[], object], log: Path, threads: int, root: Path | None = None
    ) -> None:
        environment = {**DEFAULTS, **os.environ, "OMP_NUM_THREADS": str(threads)}
        packed = worker.pack(work)
        log.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # a full disk: the pool still knows the last words
            log.touch()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "agents.jobs.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=root,
            process_group=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._lifeline, self._printed = self._process.stdin, _Printed(self._process.stdout, log)
        with suppress(BrokenPipeError):  # it has ended already, and its last words say why
            worker.send(packed, self._lifeline)
            self._lifeline.flush()

    @property
    def exit_code(self) -> int | None:
        """None while it runs, below 0 if a signal ended it."""
        return self._process.poll()

    @property
    def last_words(self) -> str:
        """What is to be said of a job that failed: the last line it printed, if it could."""
        code = self.exit_code
        if code is not None and code < 0:  # it had no time to print anything
            hint = ", as the system does when memory runs out" if code == -signal.SIGKILL else ""
            return f"killed by signal {-code}{hint}"
        return self._printed.last_line or f"exit code {code}"

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def wait(self) -> None:
        """Until it has ended with all that it started, by force if it takes too long."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_SECONDS)
        with suppress(ProcessLookupError):  # nothing is left of its group
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with suppress(BrokenPipeError):
            self._lifeline.close()
        self._printed.finish()


class _Printed:
    """Adds what a process prints to a log, and knows the last line even if the disk is full."""

    def __init__(self, pipe: IO[bytes], log: Path) -> None:
        self.last_line = ""
        self._pipe, self._log = pipe, log
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Until all is read, unless something that the process left behind goes on printing."""
        self._thread.join(GRACE_SECONDS)

    def _read(self) -> None:
        with self._pipe:
            for line in self._pipe:
                self.last_line = line.decode(errors="replace").strip() or self.last_line
                with suppress(OSError), self._log.open("ab") as log:
                    log.write(line)
