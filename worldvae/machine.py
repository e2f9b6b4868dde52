"""What the machine does at the moment: how busy its cores are, how much memory this process has."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
import time
from pathlib import Path

# malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST_THRESHOLD = 2**31 - 1

SHARE = "WORLDVAE_CORES"
"""The environment variable of the cores that a job may use among others."""

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def keep_freed_memory() -> None:
    """Make glibc keep freed memory for the next request in place of returning it to the system.

    A block of tens of megabytes, as a batch of frames is, would be returned at once, and each of
    its pages would have to be faulted in again, step after step. On one machine that took 44 % of a
    step of PPO from pixels, on another next to nothing. The process keeps what it needed most until
    it ends. Where there is no glibc nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST_THRESHOLD)
        mallopt(M_TRIM_THRESHOLD, LARGEST_THRESHOLD)


def usable_cores() -> int:
    """Return the number of cores that this process may compute on, at least 1.

    A set of cores that it is bound to counts, and so does the share of processor time of its
    container (the quota of cgroups v2), rounded up. Jobs that share a machine are told their share
    by the variable SHARE of their environment.
    """
    bound = getattr(os, "sched_getaffinity", None)
    cores = len(bound(0)) if bound is not None else os.cpu_count() or 1
    share = os.environ.get(SHARE, "")
    given = int(share) if share.isdecimal() else sys.maxsize
    return max(1, min(cores, given, _quota(CPU_QUOTA)))


def _quota(limit: Path) -> int:
    """Return the cores that `limit` ("QUOTA PERIOD" in us) grants; without one, more than exist."""
    try:
        quota, period = limit.read_text().split()
    except (OSError, ValueError):
        return sys.maxsize
    return sys.maxsize if quota == "max" else -(-int(quota) // int(period))


def peak_memory() -> int:
    """Return the most bytes of memory that this process has held since it began."""
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2) counts in other units there
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def idle_cores() -> int:
    """Return how many cores this process may compute on without taking them from others.

    A core that is busy by less than half counts as idle.
    """
    idle = int((os.cpu_count() or 1) + 0.5 - busy_cores())
    return min(usable_cores(), idle)


def busy_cores(seconds: float = 0.5) -> float:
    """Return how many cores other threads keep busy, measured over so many `seconds`.

    The caller is not counted, since it sleeps meanwhile. The result is 0 where there is no
    /proc/stat.
    """
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0
    before = _idle_ticks(stat)
    time.sleep(seconds)
    idle = (_idle_ticks(stat) - before) / os.sysconf("SC_CLK_TCK") / seconds
    return max(0.0, (os.cpu_count() or 1) - idle)


def _idle_ticks(stat: Path) -> int:
    """Return the clock ticks that all cores together were idle or waited for disks; see proc(5)."""
    return sum(int(field) for field in stat.read_text().split("\n", 1)[0].split()[4:6])
