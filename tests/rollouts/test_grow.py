"""A store that begins with the episodes of another one."""

import os
from pathlib import Path

import pytest

from tests.rollouts.test_store import ENV, VARIABLES, episode
from worldvae.rollouts import RolloutStore, grow
from worldvae.rollouts.grow import begin_with


@pytest.fixture
def source(tmp_path: Path) -> RolloutStore:
    store = RolloutStore.create(tmp_path / "source", ENV)
    store.describe_state(VARIABLES)
    for length in (3, 5, 2):
        store.append(episode(length, seed=length), seconds=1.5)
    return store


def test_it_has_the_episodes_and_takes_more(source: RolloutStore, tmp_path: Path) -> None:
    grown = begin_with(source, tmp_path / "grown")
    assert (grown.env, grown.records) == (source.env, source.records)
    assert grown.state_variables == source.state_variables
    for record in grown.records:
        assert (grown.frames(record) == source.frames(record)).all()
        assert grown.frames_path(record).samefile(source.frames_path(record)), "no copy"
    grown.append(episode(4, seed=9))
    again = begin_with(source, tmp_path / "grown")
    assert [record.length for record in again.records] == [3, 5, 2, 4]
    assert again.healthy() == again.records
    assert again.records[3].name == "000003"
    assert len(RolloutStore(source.folder).records) == 3, "the source stays as it is"


def test_damaged_episodes_are_left_out(source: RolloutStore, tmp_path: Path) -> None:
    source.frames_path(source.records[1]).write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged or missing"):
        grown = begin_with(source, tmp_path / "grown")
    assert [record.length for record in grown.records] == [3, 2]


def test_without_hard_links_files_are_copied(
    source: RolloutStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("not on this file system")

    monkeypatch.setattr(grow.os, "link", refuse)
    grown = begin_with(source, tmp_path / "grown")
    assert grown.healthy() == source.records
    first = grown.records[0]
    assert not grown.frames_path(first).samefile(source.frames_path(first))


def test_it_goes_on_where_it_was_interrupted(
    source: RolloutStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links, link = [], os.link

    def die(*paths: object) -> None:
        links.append(paths)
        if len(links) == 4:
            raise KeyboardInterrupt
        link(*paths)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(grow.os, "link", die)
        with pytest.raises(KeyboardInterrupt):
            begin_with(source, tmp_path / "grown")
    assert not (tmp_path / "grown/env.json").exists()
    assert begin_with(source, tmp_path / "grown").healthy() == source.records
