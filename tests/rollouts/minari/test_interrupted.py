"""Killed at any moment, nothing half-made is taken for whole, and the same call ends the work."""

import os
import signal
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import minari
import numpy as np
import pytest
from minari.data_collector import EpisodeBuffer

from tests.kills import kill_everywhere
from tests.rollouts.minari.datasets import NOWHERE, buffer, odd_config, store_buffers
from tests.rollouts.minari.test_round_trip import collected, hashes
from worldvae.errors import ArtifactError
from worldvae.rollouts import Episode, RolloutStore
from worldvae.rollouts.minari import export_dataset, import_dataset, write

pytestmark = pytest.mark.filterwarnings("ignore")

ENV = odd_config()


def killed(work: Callable[[], object]) -> None:
    """Do `work` in a process of its own, which it has to kill."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_an_import_goes_on_wherever_it_was_killed(tmp_path: Path) -> None:
    store = collected(tmp_path / "a", ENV)
    export_dataset(store, "play-v0")
    folder = tmp_path / "b"

    def work() -> None:
        if (folder / "env.json").exists():
            begun = RolloutStore(folder)
            assert begun.dataset is not None
            if not begun.dataset.whole:
                with pytest.raises(ArtifactError, match="--from minari:play-v0 goes on"):
                    begun.healthy()
        import_dataset("play-v0", folder, ENV)

    kills = kill_everywhere(work, folder)
    names = {kill.file for kill in kills}
    assert {"dataset.json", "env.json", "N.frames.npy", "N.npz"} <= names
    again = RolloutStore(folder)
    assert again.healthy() == again.records
    assert hashes(again) == hashes(store)
    assert [r.split for r in again.records] == [r.split for r in store.records]


def test_a_dataset_that_changed_since_is_not_mixed_with_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_buffers("robot-v0", buffer(3), buffer(2))
    append = RolloutStore.append

    def die_after_the_first(store: RolloutStore, *arguments: object) -> None:
        append(store, *arguments)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(RolloutStore, "append", die_after_the_first)
        killed(lambda: import_dataset("robot-v0", tmp_path / "b", NOWHERE))
    minari.delete_dataset("robot-v0")
    store_buffers("robot-v0", buffer(4), buffer(2))
    with pytest.raises(ArtifactError) as error:
        import_dataset("robot-v0", tmp_path / "b", NOWHERE)
    assert str(error.value) == (
        f"{tmp_path}/b holds rollouts of minari:robot-v0, as it was before; choose another --name, "
        "or remove that folder"
    )


def test_an_export_begins_anew_wherever_it_was_killed(
    tmp_path: Path, datasets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = collected(tmp_path / "a", ENV)
    stored = write._stored_episode

    def die_at_the_second(store: RolloutStore, record: object) -> Episode:
        if record == store.records[1]:
            os.kill(os.getpid(), signal.SIGKILL)
        return stored(store, record)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(write, "_stored_episode", die_at_the_second)
        killed(lambda: export_dataset(store, "mine/play-v0"))
    assert list(datasets.rglob("main_data.hdf5")), "the process was in the middle of writing"
    assert minari.list_local_datasets() == {}

    def work() -> None:
        found = minari.list_local_datasets()
        if not found:
            export_dataset(store, "mine/play-v0")

    kills = kill_everywhere(work, datasets)
    assert {(kill.call, kill.file) for kill in kills} >= {("rename", "data")}
    again = import_dataset("mine/play-v0", tmp_path / "b", ENV)
    assert hashes(again) == hashes(store)


def test_a_second_export_to_one_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = collected(tmp_path / "a", ENV)
    stored, refused = write._stored_episode, []

    def export_again(store: RolloutStore, record: object) -> Episode:
        with monkeypatch.context() as patch:
            patch.setattr(write, "_stored_episode", stored)
            with pytest.raises(ArtifactError, match="another export to minari:play-v0 is running"):
                export_dataset(store, "play-v0")
        refused.append(record)
        return stored(store, record)  # type: ignore[arg-type]

    monkeypatch.setattr(write, "_stored_episode", export_again)
    export_dataset(store, "play-v0")
    assert refused == store.records


def test_what_fails_leaves_no_dataset(
    tmp_path: Path, datasets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = collected(tmp_path / "a", ENV)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(EpisodeBuffer, "__init__", full)
    with pytest.raises(ArtifactError) as error:
        export_dataset(store, "play-v0")
    assert str(error.value) == (
        f"{datasets}/.play-v0.tmp/data cannot be written: [Errno 28] No space left on device; make "
        "room, or set MINARI_DATASETS_PATH to a folder that has it"
    )
    assert list(datasets.iterdir()) == []


def test_what_no_room_mends_is_told_as_it_is(
    tmp_path: Path, datasets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Minari that takes other arguments was told of as a full disk."""
    store = collected(tmp_path / "a", ENV)

    def other(*_: object, **__: object) -> None:
        raise TypeError("unexpected keyword argument")

    monkeypatch.setattr(EpisodeBuffer, "__init__", other)
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        export_dataset(store, "play-v0")
    assert list(datasets.iterdir()) == []


def test_one_episode_at_a_time_is_in_memory(tmp_path: Path) -> None:
    """Twelve episodes of a megabyte each, both ways."""
    length = 217
    frames = np.random.default_rng(0).integers(0, 256, (length + 1, 40, 40, 3), np.uint8)
    store = RolloutStore.create(tmp_path / "a", ENV)
    flags = np.arange(length) == length - 1
    for _ in range(12):
        store.append(
            Episode(frames, flags * 1, flags * 1.0, flags, np.zeros(length, bool), 0, "random")
        )
    assert peak(lambda: export_dataset(store, "robot-v0")) < 3 * frames.nbytes
    assert peak(lambda: import_dataset("robot-v0", tmp_path / "b", ENV)) < 4 * frames.nbytes
    assert RolloutStore(tmp_path / "b").num_frames == 12 * (length + 1)


def peak(work: Callable[[], object]) -> int:
    """The most bytes that `work` held at once."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
