"""Jobs on a Ray cluster: each a process of its own on some node, begun again where that node dies.

Every node sees the folders of jobs at the same path. A job goes on from the checkpoint it finds
there, and waits for the lock beside its log, so that no two nodes ever work on one.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import Any

from agents.jobs.contract import Job, Running
from agents.jobs.local import thread_limit
from agents.jobs.node import alone, run_here
from agents.jobs.process import GRACE_SECONDS
from worldvae.errors import ConfigError

# Read when Ray is imported: it reports to nobody, and tries once to reach a cluster that is gone.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")

import ray
from ray.exceptions import GetTimeoutError, RayError

CONNECT_SECONDS = 10.0
RETRIES = 5
"""Nodes that may die under one job; called again, the comparison goes on with five more."""


class RayCluster:
    """The cluster that RAY_ADDRESS names, or that runs on this machine.

    Raises ConfigError if there is none.
    """

    def __init__(self, workers: int) -> None:
        self._quiet = ExitStack()
        _enter()
        self._quiet.enter_context(_unheard())
        self.workers, self._nodes = workers, _nodes()
        cores = [cores for _, cores in self._nodes.values()]
        self._threads = threads_on(cores, workers)
        # A node is lost with all its jobs, so they are spread.
        self._run = ray.remote(run_here).options(
            num_cpus=self._threads, max_retries=RETRIES, scheduling_strategy="SPREAD"
        )

    def start(self, job: Job) -> Running:
        """Wait for a node with room for it, and run it there."""
        work = partial(alone, job.log, job.name, job.work)
        return _Task(self._run.remote(work, job.log.absolute(), self._threads, Path.cwd()))

    def news(self) -> list[str]:
        """Nodes that came or went."""
        before, self._nodes = self._nodes, _nodes()
        gone = [before[node][0] for node in before.keys() - self._nodes.keys()]
        new = [self._nodes[node][0] for node in self._nodes.keys() - before.keys()]
        return [
            *(f"node {name} is gone; what ran there goes on elsewhere" for name in gone),
            *(f"node {name} is new" for name in new),
        ]

    def close(self) -> None:
        """Leave the cluster; it ends what might still run for us."""
        ray.shutdown()
        self._quiet.close()


class _Task:
    """A job that waits in the cluster or runs on one of its nodes."""

    def __init__(self, end: Any) -> None:
        self._end = end
        self._result: tuple[int, str] | None = None

    @property
    def exit_code(self) -> int | None:
        """None while it waits or runs; 1 if the cluster gave it up."""
        self._look(0)
        return self._result[0] if self._result else None

    @property
    def last_words(self) -> str:
        """Of the job, or of the cluster."""
        return self._result[1] if self._result else ""

    def terminate(self) -> None:
        """Ask it to end, on its node."""
        ray.cancel(self._end)

    def wait(self) -> None:
        """Until it has ended; its node ends it by force if it takes too long."""
        self._look(2 * GRACE_SECONDS)
        if self._result is None:
            ray.cancel(self._end, force=True)
            self._look(GRACE_SECONDS)

    def _look(self, seconds: float) -> None:
        if self._result is not None:
            return
        try:
            with suppress(GetTimeoutError):
                self._result = ray.get(self._end, timeout=seconds)
        except RayError as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            self._result = 1, f"the cluster gave it up: {lines[-1] if lines else repr(error)}"


def _enter() -> None:
    """Connect to the cluster, or raise ConfigError."""
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
def _unheard() -> Iterator[None]:
    """Keep pages of a dying node's state from standard output: `news` says what matters of it.

    Ray has no switch for what it prints of errors of the cluster; all of it is in its own logs.
    """
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing):
        yield


def threads_on(cores: list[int], workers: int) -> int:
    """The most threads with which `workers` jobs run at once on nodes of so many cores.

    Never more than OMP_NUM_THREADS, as on one machine, and 1 if there are more jobs than cores.
    """
    most = min(max(cores, default=1), thread_limit(max(cores, default=1)))
    fits: Callable[[int], bool] = lambda each: sum(n // each for n in cores) >= workers  # noqa: E731
    return max((each for each in range(1, most + 1) if fits(each)), default=1)


def _nodes() -> dict[str, tuple[str, int]]:
    """Id of each node that lives -> its name and cores."""
    return {
        node["NodeID"]: (
            f"{node['NodeManagerHostname']} ({node['NodeID'][:6]})",
            int(node["Resources"].get("CPU", 0)),
        )
        for node in ray.nodes()
        if node["Alive"]
    }
