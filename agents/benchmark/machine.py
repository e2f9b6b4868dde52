"""What a figure was measured on, and whether it had the machine for itself."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch
from pydantic import Field

from worldvae.config import Config
from worldvae.machine import busy_cores
from worldvae.versions import library_versions

QUIET = 0.15
"""Share of the cores up to which others may be at work on a machine that counts as quiet."""


class Machine(Config):
    """The computer, and what it was busy with before the benchmark began."""

    cores: int = Field(description="Cores that the benchmark may use.")
    cpu: str = Field(description="Model of the processor.")
    threads: int = Field(description="Threads that torch computes with.")
    device: str = Field(description="Where networks compute.")
    load: float = Field(description="Cores that others kept busy when the benchmark began.")
    versions: dict[str, str] = Field(description="Software.")

    def __str__(self) -> str:
        torch_version = self.versions.get("torch", "?")
        return (
            f"{self.cores} cores of {self.cpu}, networks on {self.device} "
            f"with {self.threads} threads, torch {torch_version}, {self.load:.1f} cores busy before"
        )

    @property
    def is_noisy(self) -> bool:
        """Whether other processes kept it busy."""
        return self.load > QUIET * self.cores


def this_machine(device: str) -> Machine:
    """The machine that this runs on, as it is now."""
    is_gpu = torch.device(device).type == "cuda"
    return Machine(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else _cores(),
        cpu=_cpu_model(Path("/proc/cpuinfo")),
        threads=torch.get_num_threads(),
        device=torch.cuda.get_device_name(device) if is_gpu else device,
        load=round(busy_cores(seconds=2.0), 2),  # not the load average: it remembers our last run
        versions=library_versions(),
    )


def _cores() -> int:
    return os.cpu_count() or 1


def _cpu_model(cpuinfo: Path) -> str:
    if not cpuinfo.exists():
        return platform.processor() or platform.machine()
    lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
