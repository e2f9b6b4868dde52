"""Describes the machine of a measurement, and whether other processes kept it busy."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from pydantic import Field

from agents.benchmark.speeds import Speeds
from agents.run.command import exact_command
from worldvae.json_files import Content
from worldvae.machine import busy_cores, usable_cores
from worldvae.versions import library_versions

QUIET = 0.15
"""A machine counts as quiet if other processes keep at most this share of its cores busy."""


class Machine(Content):
    """The computer, its load before the benchmark began, and the command that began it."""

    command: str = Field(description="The command line that measured there.")
    cores: int = Field(description="Cores that the benchmark may use.")
    cpu: str = Field(description="Model of the processor.")
    threads: int = Field(description="Threads that torch computes with.")
    device: str = Field(description="Where networks compute.")
    load: float = Field(description="Cores that others kept busy when the benchmark began.")
    versions: dict[str, str] = Field(description="Software.")
    speeds: Speeds | None = Field(None, description="What it does at most; null: not measured.")

    def __str__(self) -> str:
        torch_version = self.versions.get("torch", "?")
        speeds = "" if self.speeds is None else f"; {self.speeds}"
        return (
            f"by `{self.command}` on {self.cores} cores of {self.cpu}, networks on {self.device} "
            f"with {self.threads} threads, torch {torch_version}, {self.load:.1f} cores busy "
            f"before{speeds}"
        )

    def faster(self, speeds: Speeds) -> Machine:
        """Return this machine with the best of its speeds so far and of `speeds`."""
        best = speeds if self.speeds is None else self.speeds.best(speeds)
        return self.model_copy(update={"speeds": best})

    @property
    def is_noisy(self) -> bool:
        """Whether other processes kept the machine busy."""
        return self.load > QUIET * self.cores


def this_machine(device: str) -> Machine:
    """Describe this machine and its present load, which takes two seconds."""
    is_gpu = torch.device(device).type == "cuda"
    return Machine(
        command=exact_command(),
        cores=usable_cores(),
        cpu=_cpu_model(Path("/proc/cpuinfo")),
        threads=torch.get_num_threads(),
        device=torch.cuda.get_device_name(device) if is_gpu else device,
        load=round(busy_cores(seconds=2.0), 2),  # the load average would include our last run
        versions=library_versions(),
    )


class GPUMemory:
    """The most memory of a GPU that was allocated at once; in words, none without a GPU."""

    bytes: int | None = None

    def __str__(self) -> str:
        return (
            "" if self.bytes is None else f"both sides within {self.bytes / 1e9:.3g} GB of the GPU"
        )


@contextmanager
def gpu_memory(device: str) -> Iterator[GPUMemory]:
    """Measure the most memory that the block allocates on `device`, if it is a GPU."""
    memory = GPUMemory()
    if torch.device(device).type != "cuda":
        yield memory
        return
    torch.cuda.reset_peak_memory_stats(device)
    yield memory
    memory.bytes = torch.cuda.max_memory_allocated(device)


def _cpu_model(cpuinfo: Path) -> str:
    if not cpuinfo.exists():
        return platform.processor() or platform.machine()
    lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
