"""A large store of small means, and what a process keeps for itself."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import numpy as np
import pytest

from agents.benchmark.memory import anonymous_bytes, linked_store
from worldvae.envs import EnvConfig, FrameConfig
from worldvae.rollouts import StoredFrames

SMALL = EnvConfig(id="worldvae/Dots-v0", frame=FrameConfig(height=32, width=32))


def test_the_store_is_large_and_takes_the_room_of_a_few_episodes(tmp_path: Path) -> None:
    store = linked_store(tmp_path / "rollouts", SMALL, (20, 9, 3), seed=0)
    assert (len(store.records), store.num_frames) == (20, 200)
    assert len(store.healthy()) == 20
    files = {path.stat().st_ino for path in store.folder.glob("*.npy")}
    assert len(files) == 3
    splits = [len(StoredFrames(store, split)) for split in ("train", "validation", "test")]
    assert splits == [160, 20, 20]
    first, same, other = (store.frames(store.records[i]) for i in (0, 3, 1))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
def test_memory_of_a_process_counts_and_a_mapped_file_does_not(tmp_path: Path) -> None:
    size = 64 << 20
    np.save(tmp_path / "x.npy", np.ones(size, np.uint8))
    before = anonymous_bytes(os.getpid())
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert mapped.sum() == size
    assert anonymous_bytes(os.getpid()) - before < size / 4
    # Not np.ones, which may be given memory that the process has kept since an earlier test.
    fresh = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    kept = np.frombuffer(fresh, np.uint8)
    kept[:] = 1
    assert anonymous_bytes(os.getpid()) - before > 3 * size / 4
    assert len(kept) == size


def test_a_process_that_is_gone_keeps_nothing() -> None:
    assert anonymous_bytes(2**22 + 1) == 0
