"""Workers of a pool that are forked from a process which has imported what jobs import.

`agents.jobs.process` starts an interpreter for each job, whose imports take longer than a tiny
training. Within `forked_workers` that one call is replaced; the pipes, the process group, the
signals and `agents.jobs.worker.main` are the product's. How a worker that starts from nothing
begins and ends is tested in tests/agents/jobs.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import torch

from agents.jobs import process, worker

LONGEST = 1 << 17
"""More bytes than a request has, which holds the variables of an environment."""

NUMBER = struct.Struct("i")


@contextmanager
def forked_workers(server: socket.socket) -> Iterator[None]:
    """Let pools of this process have their workers forked by the one that serves at `server`."""

    def popen(command: list[str], **options: Any) -> ForkedWorker:
        assert command == [sys.executable, "-m", "agents.jobs.worker"]
        return ForkedWorker(server, **options)

    kept = process.subprocess
    process.subprocess = SimpleNamespace(**vars(subprocess) | {"Popen": popen})  # type: ignore[assignment]
    try:
        yield
    finally:
        process.subprocess = kept


class ForkedWorker:
    """What `agents.jobs.process` uses of a `subprocess.Popen`."""

    def __init__(
        self,
        server: socket.socket,
        env: Mapping[str, str],
        cwd: Path | None,
        stdin: int,
        stdout: int,
        stderr: int,
        process_group: int,
    ) -> None:
        assert (stdin, stdout, stderr) == (subprocess.PIPE, subprocess.PIPE, subprocess.STDOUT)
        assert process_group == 0
        (read, write), (printed, prints), (self._told, tells) = os.pipe(), os.pipe(), os.pipe()
        request = pickle.dumps((dict(env), os.fspath(cwd or Path.cwd())))
        assert len(request) < LONGEST
        socket.send_fds(server, [request], [read, prints, tells])
        for descriptor in (read, prints, tells):
            os.close(descriptor)
        self.stdin, self.stdout = os.fdopen(write, "wb"), os.fdopen(printed, "rb")
        self.pid = self._next()
        self._code: int | None = None

    def poll(self) -> int | None:
        """None while it runs, negative if a signal ended it."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code; raises subprocess.TimeoutExpired after `timeout` seconds."""
        if self._code is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("worker", timeout or 0)
            self._code = self._next()
            os.close(self._told)
        return self._code

    def terminate(self) -> None:
        """Send SIGTERM to one that has not ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def _next(self) -> int:
        return int(NUMBER.unpack(os.read(self._told, NUMBER.size))[0])


def start_server() -> socket.socket:
    """Fork a process that serves until the socket that is returned is closed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        ours.close()
        serve(theirs)
    theirs.close()
    return ours


def serve(requests: socket.socket) -> NoReturn:
    """Fork a worker for each request until the other end of the socket is closed."""
    while True:
        request, descriptors, *_ = socket.recv_fds(requests, LONGEST, 3)
        if not request:
            _end()
        if os.fork() == 0:
            requests.close()
            _watch(request, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _end() -> NoReturn:
    """Once all workers have ended."""
    with suppress(ChildProcessError):
        while True:
            os.wait()
    os._exit(0)


def _watch(request: bytes, stdin: int, stdout: int, tells: int) -> NoReturn:
    """Fork the worker and tell its pid and, once it has ended, its exit code."""
    forked = get_context("fork").Process(
        target=_work, args=(*pickle.loads(request), stdin, stdout, tells)
    )
    forked.start()
    for descriptor in (stdin, stdout):
        os.close(descriptor)
    os.write(tells, NUMBER.pack(forked.pid))
    forked.join()
    os.write(tells, NUMBER.pack(forked.exitcode))
    os._exit(0)


def _work(environment: dict[str, str], folder: str, stdin: int, stdout: int, tells: int) -> None:
    """As an interpreter would begin: `python -m agents.jobs.worker`."""
    os.setpgid(0, 0)
    for ours, standards in ((stdin, [0]), (stdout, [1, 2])):
        for standard in standards:
            os.dup2(ours, standard)
        os.close(ours)
    os.close(tells)
    sys.stdin = os.fdopen(0, closefd=False)
    os.environ.clear()
    os.environ.update(environment)
    torch.set_num_threads(int(environment["OMP_NUM_THREADS"]))
    os.chdir(folder)
    worker.main()
