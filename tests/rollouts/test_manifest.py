"""Damaged, repeated, missing lines of a manifest: said, and nothing is written over."""

from __future__ import annotations

import errno
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from tests.rollouts.test_store import ENV, VARIABLES, episode
from worldvae.rollouts import Record, RolloutConfig, RolloutStore, collect
from worldvae.rollouts.inspect import inspect_store
from worldvae.rollouts.manifest import split_of


@pytest.fixture
def store(tmp_path: Path) -> RolloutStore:
    store = RolloutStore.create(tmp_path / "rollouts", ENV)
    store.describe_state(VARIABLES)
    for seed in range(4):
        store.append(episode(3 + seed, seed), seconds=1.0 + seed)
    return store


def lines(store: RolloutStore) -> list[bytes]:
    return (store.folder / "manifest.jsonl").read_bytes().splitlines(keepends=True)


def relist(store: RolloutStore, kept: list[bytes]) -> RolloutStore:
    (store.folder / "manifest.jsonl").write_bytes(b"".join(kept))
    return RolloutStore(store.folder)


def files(store: RolloutStore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.folder.glob("0*")}


def names(records: list[Record]) -> list[str]:
    return [record.name for record in records]


@pytest.mark.parametrize("missing", [0, 2, 3])
def test_a_lost_line_costs_no_other_episode(store: RolloutStore, missing: int) -> None:
    """The advice of the tool was once to remove a line, after which the last was overwritten."""
    kept = lines(store)
    del kept[missing]
    before, again = files(store), relist(store, kept)
    said = rf"not listed in manifest\.jsonl, so left out and not written over: 00000{missing}$"
    with pytest.warns(UserWarning, match=said):
        assert "episodes that the manifest does not list: 1" in inspect_store(again)
    added = again.append(episode(9, 9))
    assert (added.name, added.split) == ("000004", split_of(4))
    assert {name: data for name, data in files(again).items() if name in before} == before
    assert names(RolloutStore(store.folder).records) == sorted({*names(again.records), "000004"})


def test_a_damaged_line_is_named_and_left_out(store: RolloutStore) -> None:
    first, second, *rest = lines(store)
    with pytest.warns(UserWarning, match=r"manifest\.jsonl: damaged lines, .*: 2$"):
        again = relist(store, [first, second.replace(b'"length": 4', b'"length": 5'), *rest])
    assert names(again.records) == ["000000", "000002", "000003"]
    assert again.append(episode(3)).name == "000004"


def test_an_episode_that_is_listed_again_counts_once(store: RolloutStore) -> None:
    every = lines(store)
    with pytest.warns(UserWarning, match=r"lines that list an episode again, .*: 5$"):
        again = relist(store, [*every, every[1]])
    assert again.num_frames == store.num_frames


def test_the_order_of_the_lines_does_not_matter(store: RolloutStore) -> None:
    assert relist(store, lines(store)[::-1]).records == store.records


def test_whole_episodes_after_the_last_line_are_listed_under_the_lock(store: RolloutStore) -> None:
    """A kill between the files and the line, or a manifest cut short."""
    again = relist(store, lines(store)[:2])
    with pytest.warns(UserWarning, match="whole but not listed") as said, again.writing():
        pass
    assert [str(one.message).rpartition(": ")[2] for one in said] == ["000002, 000003"]
    assert again.records[2].seconds == 1.5, "the mean of those that are known"
    assert again.records[3] == store.records[3].model_copy(update={"seconds": 1.5})
    with warnings.catch_warnings(action="error"):
        assert RolloutStore(store.folder).healthy() == again.records


def test_what_befell_every_episode_is_said_once(store: RolloutStore) -> None:
    """Of any number of episodes, whether lines, the manifest itself or files are lost."""
    every = lines(store)
    with pytest.warns(UserWarning, match=r"damaged lines, .*: 1, 2, 3, 4$") as said:
        relist(store, [line.replace(b'"length"', b'"lenght"') for line in every])
    assert len(said) == 1
    again = relist(store, [])
    with (
        pytest.warns(UserWarning, match=r"none is known: 000000, .*000003$") as said,
        again.writing(),
    ):
        pass
    assert (len(said), names(again.records)) == (1, names(store.records))
    for path in store.folder.glob("*.npz"):
        path.unlink()
    with pytest.warns(UserWarning, match=r"damaged or missing, .*: 000000, .*000003$") as said:
        again.healthy()
    assert len(said) == 1


@pytest.mark.parametrize("ending", [".frames.npy", ".npz"])
def test_a_damaged_episode_is_not_listed_anew(store: RolloutStore, ending: str) -> None:
    path = store.folder / f"000003{ending}"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    again = relist(store, lines(store)[:3])
    with again.writing():
        assert names(again.records) == ["000000", "000001", "000002"]
        assert again.append(episode(3)).name == "000004"
    assert path.read_bytes() == data


def test_what_a_kill_left_of_an_unfinished_episode_is_removed(store: RolloutStore) -> None:
    frames, arrays = (store.folder / f"000003{end}" for end in (".frames.npy", ".npz"))
    frames.unlink()
    again = relist(store, lines(store)[:3])
    with again.writing():
        assert not arrays.exists()
        assert again.append(episode(3)).name == "000003"


def test_a_store_that_can_only_be_read_is_described(
    store: RolloutStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.warns(UserWarning, match=r"not written: .*contact_sheet\.png: Read-only"):
        text = inspect_store(store)
    assert "4 episodes" in text
    assert "contact sheet" not in text


def test_no_seed_is_played_twice_after_a_line_is_lost(tmp_path: Path) -> None:
    clock = {"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"}
    store = RolloutStore.create(tmp_path, ENV.model_validate(clock))
    config = RolloutConfig(frames=100, num_envs=2, policies={"random": 1.0})
    collect(store, config, seed=0)
    seen = {record.seed for record in store.records}
    again = relist(store, lines(store)[1:])
    collect(again, config.model_copy(update={"frames": 160}), seed=0)
    assert not seen & {record.seed for record in again.records[len(lines(store)) :]}
    arrays = [again.arrays(record)["reward"].tolist() for record in again.records]
    assert len(arrays) == len({record.name for record in again.records})


def test_the_note_is_no_array_of_the_episode(store: RolloutStore) -> None:
    with np.load(store.folder / "000000.npz") as npz:
        noted = Record.model_validate_json(npz["record"].tobytes())
    update = {"seconds": 1.0, "arrays_sha256": store.records[0].arrays_sha256}
    assert noted.model_copy(update=update) == store.records[0]
    assert "record" not in store.arrays(store.records[0])
