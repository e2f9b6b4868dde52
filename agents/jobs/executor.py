"""The executor that a configuration names for its jobs."""

from __future__ import annotations

from agents.config.sections import ExecutorName
from agents.jobs.contract import Executor
from agents.jobs.local import LocalProcesses
from worldvae.extras import check_extra, importing


def check_executor(name: ExecutorName) -> None:
    """Raise ConfigError if the executor `name` is not installed; call it before any long work.

    Ray is not imported: it starts threads at import, and environments are forked afterwards.
    """
    if name == "ray":
        check_extra("--executor ray", "ray")


def make_executor(name: ExecutorName, workers: int) -> Executor:
    """Return the executor `name` for `workers` jobs at once; raises ConfigError if that fails."""
    check_executor(name)
    if name == "ray":
        with importing("--executor ray", "ray"):
            from agents.jobs.ray_cluster import RayCluster

        return RayCluster(workers)
    return LocalProcesses(workers)
