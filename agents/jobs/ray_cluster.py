"""Runs jobs on a Ray cluster: each in a process on some node, restarted elsewhere if the node dies.

Every node must see the jobs' folders at the same path. A job resumes from the checkpoint in its
folder, and waits for the lock beside its log, so that no two nodes work on the same job.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import Any

from agents.jobs.contract import Job, RunningJob
from agents.jobs.local import thread_limit
from agents.jobs.node import run_exclusively, run_in_process
from agents.jobs.process import GRACE_SECONDS
from worldvae.errors import ConfigError

# Read when Ray is imported: send no usage statistics, try a lost cluster only once.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")

import ray
from ray.exceptions import GetTimeoutError, RayError

CONNECT_SECONDS = 10.0
RETRIES = 5
"""How many nodes may die under one job; running the command again allows as many again."""


class RayCluster:
    """The executor for the cluster at RAY_ADDRESS, or for one that runs on this machine.

    Raises ConfigError if there is no cluster.
    """

    def __init__(self, workers: int) -> None:
        self._stdout = ExitStack()
        _connect()
        self._stdout.enter_context(_silenced())
        self.workers, self._nodes = workers, _nodes()
        cores = [cores for _, cores in self._nodes.values()]
        self._threads = threads_on(cores, workers)
        # A lost node takes all its jobs with it, so they are spread.
        self._run = ray.remote(run_in_process).options(
            num_cpus=self._threads, max_retries=RETRIES, scheduling_strategy="SPREAD"
        )

    def start(self, job: Job) -> RunningJob:
        """Queue a job; it runs as soon as a node has enough free cores."""
        work = partial(run_exclusively, job.log, job.name, job.work)
        return _Task(self._run.remote(work, job.log.absolute(), self._threads, Path.cwd()))

    def events(self) -> list[str]:
        """Return one line for each node that joined or left since the last call."""
        before, self._nodes = self._nodes, _nodes()
        gone = [before[node][0] for node in before.keys() - self._nodes.keys()]
        new = [self._nodes[node][0] for node in self._nodes.keys() - before.keys()]
        return [
            *(f"node {name} is gone; what ran there goes on elsewhere" for name in gone),
            *(f"node {name} is new" for name in new),
        ]

    def close(self) -> None:
        """Disconnect from the cluster, which ends any job of ours that still runs."""
        ray.shutdown()
        self._stdout.close()


class _Task:
    """A job that waits in the cluster's queue or runs on a node."""

    def __init__(self, end: Any) -> None:
        self._end = end
        self._result: tuple[int, str] | None = None

    @property
    def exit_code(self) -> int | None:
        """None while the job waits or runs, 1 if the cluster gave it up."""
        self._poll(0)
        return self._result[0] if self._result else None

    @property
    def error_message(self) -> str:
        """The error message of the job, or of the cluster."""
        return self._result[1] if self._result else ""

    def terminate(self) -> None:
        """Ask the job to end, on its node."""
        ray.cancel(self._end)

    def wait(self) -> None:
        """Wait until the job has ended; after twice GRACE_SECONDS its node kills it."""
        self._poll(2 * GRACE_SECONDS)
        if self._result is None:
            ray.cancel(self._end, force=True)
            self._poll(GRACE_SECONDS)

    def _poll(self, seconds: float) -> None:
        if self._result is not None:
            return
        try:
            with suppress(GetTimeoutError):
                self._result = ray.get(self._end, timeout=seconds)
        except RayError as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            self._result = 1, f"the cluster gave it up: {lines[-1] if lines else repr(error)}"


def _connect() -> None:
    """Connect to the cluster; raises ConfigError if that fails."""
    address = os.environ.get("RAY_ADDRESS") or "auto"
    try:
        if address != "auto":  # Ray itself would try for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
        ray.init(address, log_to_driver=False, logging_level="ERROR")
    except (OSError, RuntimeError, ValueError, RayError) as error:
        first = (str(error).strip() or repr(error)).splitlines()[0]
        raise ConfigError(
            f"no Ray cluster at RAY_ADDRESS = {address} ({first}); "
            "start one with `ray start --head`, and give its host:port (docs/cluster.md)"
        ) from None


@contextmanager
def _silenced() -> Iterator[None]:
    """Silence standard output, where Ray prints pages about dying nodes.

    Ray has no switch for these messages. They are in its own logs, and `events` reports lost
    nodes.
    """
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing):
        yield


def threads_on(cores: list[int], workers: int) -> int:
    """Return the most threads with which `workers` jobs run at once on nodes of so many `cores`.

    It is at most OMP_NUM_THREADS, as on one machine, and 1 if there are more jobs than cores.
    """
    limit = min(max(cores, default=1), thread_limit(max(cores, default=1)))
    fits: Callable[[int], bool] = lambda each: sum(n // each for n in cores) >= workers  # noqa: E731
    return max((each for each in range(1, limit + 1) if fits(each)), default=1)


def _nodes() -> dict[str, tuple[str, int]]:
    """Return the id of each living node -> its name and number of cores."""
    return {
        node["NodeID"]: (
            f"{node['NodeManagerHostname']} ({node['NodeID'][:6]})",
            int(node["Resources"].get("CPU", 0)),
        )
        for node in ray.nodes()
        if node["Alive"]
    }
