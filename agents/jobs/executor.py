"""The place that a configuration names for its jobs."""

from __future__ import annotations

from importlib.util import find_spec

from agents.config.sections import ExecutorName
from agents.jobs.contract import Executor
from agents.jobs.local import LocalProcesses
from worldvae.errors import ConfigError


def check_executor(name: ExecutorName) -> None:
    """Raise ConfigError if what it needs is not installed; asked before hours of other work."""
    if name == "ray" and not _is_installed("ray"):
        raise ConfigError("--executor ray needs Ray: pip install -c constraints.txt 'ray>=2.60'")


def make_executor(name: ExecutorName, workers: int) -> Executor:
    """Enter the place; raises ConfigError if it cannot be entered."""
    check_executor(name)
    if name == "ray":
        from agents.jobs.ray_cluster import RayCluster

        return RayCluster(workers)
    return LocalProcesses(workers)


def _is_installed(package: str) -> bool:
    """Without importing it: what is imported starts threads, and environments are forked."""
    try:
        return find_spec(package) is not None
    except ValueError:  # it cannot be imported
        return False
