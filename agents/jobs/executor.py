"""The executor that a configuration names for its jobs."""

from __future__ import annotations

from importlib.util import find_spec

from agents.config.sections import ExecutorName
from agents.jobs.contract import Executor
from agents.jobs.local import LocalProcesses
from worldvae.errors import ConfigError


def check_executor(name: ExecutorName) -> None:
    """Raise ConfigError if the executor `name` is not installed; call it before any long work."""
    if name == "ray" and not _is_installed("ray"):
        raise ConfigError("--executor ray needs Ray: pip install -c constraints.txt 'ray>=2.60'")


def make_executor(name: ExecutorName, workers: int) -> Executor:
    """Return the executor `name` for `workers` jobs at once; raises ConfigError if that fails."""
    check_executor(name)
    if name == "ray":
        from agents.jobs.ray_cluster import RayCluster

        return RayCluster(workers)
    return LocalProcesses(workers)


def _is_installed(package: str) -> bool:
    """Whether `package` is installed.

    It is not imported: Ray starts threads at import, and environments are forked afterwards.
    """
    try:
        return find_spec(package) is not None
    except ValueError:  # find_spec raises it for a module without a spec
        return False
