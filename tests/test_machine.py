"""How busy the cores are, how much memory was held, and whether freed memory is kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from worldvae import machine
from worldvae.machine import busy_cores, usable_cores

# 64 MB, freed and taken again; numpy and torch take theirs from the same malloc.
FAULTS = """
import ctypes, resource
from worldvae.machine import keep_freed_memory
{first}
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
ctypes.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
def touch():
    block = libc.malloc(64 << 20)
    ctypes.memset(block, 1, 64 << 20)
    libc.free(block)
touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
touch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(first: str) -> int:
    code = FAULTS.format(first=first)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
def test_freed_memory_is_not_faulted_in_again() -> None:
    assert faults("") > 10_000  # each of the 16,384 pages, or this test would show nothing
    assert faults("keep_freed_memory()") < 100


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="no /proc/stat here")
def test_busy_cores_sees_work() -> None:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        assert busy_cores(1.0) > 0.5
    finally:
        process.kill()
        process.wait()


HELD = """
from worldvae.machine import peak_memory
before = peak_memory()
b"1" * before
print(before, peak_memory())
"""


def test_peak_memory_counts_what_was_freed() -> None:
    done = subprocess.run([sys.executable, "-c", HELD], capture_output=True, check=True, text=True)
    before, after = map(int, done.stdout.split())
    assert 4e6 < before < after < 2.5 * before


def test_a_process_may_use_the_cores_that_it_is_bound_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert usable_cores() == 3


@pytest.mark.parametrize(("share", "expected"), [("2", 2), ("12", 8), ("0", 1), ("all", 8)])
def test_a_job_may_use_its_share_of_the_cores(
    monkeypatch: pytest.MonkeyPatch, share: str, expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setenv(machine.SHARE, share)
    assert usable_cores() == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("150000 100000\n", 2), ("max 100000\n", 8), ("damaged", 8), (None, 8)]
)
def test_the_processor_time_of_a_container_counts_as_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, expected: int
) -> None:
    limit = tmp_path / "cpu.max"
    if text is not None:
        limit.write_text(text)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(machine, "CPU_QUOTA", limit)
    assert usable_cores() == expected
