"""Runs one job in a process that ends with this one, and keeps the last line that it prints."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO

from agents.jobs import worker
from agents.jobs.environment import DEFAULTS

GRACE_SECONDS = 10.0
"""How long a stopped job may take to tidy up."""


class Process:
    """A running job in a process group of its own, so that its child processes end with it.

    Raises OSError if the process cannot be started.

    Args:
        work: The function to call there; it is pickled, so it must be importable.
        log: The file to which everything that the job prints is appended.
        threads: The number of threads for its computations.
        root: The working directory, from which `agents` can be imported; None is the current one.
        shares: Further variables of its environment.
    """

    def __init__(
        self,
        work: Callable[[], object],
        log: Path,
        threads: int,
        root: Path | None = None,
        shares: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        environment = {**DEFAULTS, **os.environ, **shares, "OMP_NUM_THREADS": str(threads)}
        packed = worker.pack(work)
        log.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # a full disk: the pool still gets the last line
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
        self._lifeline, self._output = self._process.stdin, _Output(self._process.stdout, log)
        with suppress(BrokenPipeError):  # it has ended already, and its last line says why
            worker.send(packed, self._lifeline)
            self._lifeline.flush()

    @property
    def exit_code(self) -> int | None:
        """None while the process runs, negative if a signal ended it."""
        return self._process.poll()

    @property
    def error_message(self) -> str:
        """The signal that ended the process, or the last line that it printed."""
        code = self.exit_code
        if code is not None and code < 0:  # a killed process cannot print a reason
            hint = ", as the system does when memory runs out" if code == -signal.SIGKILL else ""
            return f"killed by signal {-code}{hint}"
        return self._output.last_line or f"exit code {code}"

    def terminate(self) -> None:
        """Ask the process to end."""
        self._process.terminate()

    def wait(self) -> None:
        """Wait until the process and its children have ended; kill them after GRACE_SECONDS."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_SECONDS)
        with suppress(ProcessLookupError):  # nothing is left of its group
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with suppress(BrokenPipeError):
            self._lifeline.close()
        self._output.finish()


class _Output:
    """Appends what a process prints to a log; the last line is kept even if the disk is full."""

    def __init__(self, pipe: IO[bytes], log: Path) -> None:
        self.last_line = ""
        self._pipe, self._log = pipe, log
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait until all output is read, at most GRACE_SECONDS: an orphan may go on printing."""
        self._thread.join(GRACE_SECONDS)

    def _read(self) -> None:
        with self._pipe:
            for line in self._pipe:
                self.last_line = line.decode(errors="replace").strip() or self.last_line
                with suppress(OSError), self._log.open("ab") as log:
                    log.write(line)
