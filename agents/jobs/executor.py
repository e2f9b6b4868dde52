"""The executor that a configuration names for its jobs."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from agents.config.sections import ExecutorName
from agents.jobs.contract import Executor
from agents.jobs.local import LocalProcesses
from worldvae.extras import check_extra, importing


def check_executor(name: ExecutorName) -> None:
    """Raise ConfigError if the executor `name` cannot run jobs; call it before any long work.

    A cluster is asked for by a process of its own: Ray starts threads at import, and environments
    are forked afterwards.
    """
    if name == "ray":
        check_extra("--executor ray", "ray")
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            pool.submit(_check_cluster).result()


def make_executor(name: ExecutorName, workers: int) -> Executor:
    """Return the executor `name` for `workers` jobs at once; raises ConfigError if that fails."""
    if name == "ray":
        with importing("--executor ray", "ray"):
            from agents.jobs.ray_cluster import RayCluster

        return RayCluster(workers)
    return LocalProcesses(workers)


def _check_cluster() -> None:
    make_executor("ray", 1).close()
