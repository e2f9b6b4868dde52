"""The thread that writes: everything in order, errors where they are seen, nothing after them."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from worldvae.envs import EnvConfig, FrameConfig
from worldvae.errors import WorldvaeError
from worldvae.rollouts import Episode, RolloutStore
from worldvae.rollouts.writer import SMALL, background_writer


def episode(length: int) -> Episode:
    ended = np.arange(length) == length - 1
    return Episode(
        obs=np.full((length + 1, 32, 32, 3), length % 256, np.uint8),
        action=np.zeros(length, int),
        reward=np.ones(length),
        terminated=ended,
        truncated=np.zeros(length, bool),
        seed=0,
        policy="random",
    )


@pytest.fixture
def store(tmp_path: Path) -> RolloutStore:
    frame = FrameConfig(height=32, width=32)
    return RolloutStore.create(tmp_path, EnvConfig(id="tests/Clock-v0", frame=frame))


def write_all(store: RolloutStore, lengths: list[int], interrupt: bool = False) -> None:
    with background_writer(store, waiting=2) as write:
        for length in lengths:
            write(episode(length))
        if interrupt:
            raise KeyboardInterrupt


def lengths(store: RolloutStore) -> list[int]:
    return [record.length for record in RolloutStore(store.folder).healthy()]


def test_what_was_taken_is_written_in_order(store: RolloutStore) -> None:
    write_all(store, list(range(1, 21)))
    assert lengths(store) == list(range(1, 21))


def test_a_small_episode_is_written_when_it_is_taken(store: RolloutStore) -> None:
    with background_writer(store, waiting=9) as write:
        for length in (2, 1, 3):
            write(episode(length))
            assert lengths(store)[-1] == length


def test_seconds_add_up_to_the_time_that_passed(store: RolloutStore) -> None:
    with background_writer(store, waiting=2) as write:
        for _ in range(3):
            threading.Event().wait(0.05)
            write(episode(2))
    assert sum(record.seconds for record in store.records) >= 0.15


def test_an_interrupted_collection_keeps_what_was_taken(store: RolloutStore) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_all(store, [3, 1, 2], interrupt=True)
    assert lengths(store) == [3, 1, 2]


def test_a_full_disk_ends_the_collection_and_leaves_no_hole(
    store: RolloutStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third episode fails; those behind it are dropped, though the disk has room again."""
    calls = []

    def full(*_: Any) -> None:
        calls.append(1)
        if len(calls) == 5:  # two files an episode
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WorldvaeError, match="No space left on device"):
        write_all(store, [4] * 100)
    assert lengths(store) == [4, 4]
    assert len(calls) == 5


def test_more_than_may_wait_are_not_taken(
    store: RolloutStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the disk held up, one episode is being written and `waiting` more are taken."""
    long = [SMALL // (32 * 32 * 3) + length for length in range(1, 9)]
    held, taken = threading.Event(), []
    monkeypatch.setattr("os.fsync", lambda _: held.wait(20))

    def produce() -> None:
        with background_writer(store, waiting=3) as write:
            for length in long:
                write(episode(length))
                taken.append(length)

    producer = threading.Thread(target=produce)
    producer.start()
    producer.join(0.5)
    assert 1 <= len(taken) <= 4
    held.set()
    producer.join(20)
    assert lengths(store) == long
