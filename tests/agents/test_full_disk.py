"""A disk that fills up under TensorBoard, Stable-Baselines3's logs and films: one line."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.summary.writer.record_writer import RecordWriter

from agents.policy.training_log import open_log
from agents.video.film import write_film
from worldvae.errors import WorldvaeError
from worldvae.training.board import Board

FULL = os.strerror(errno.ENOSPC)


@pytest.fixture
def _full(monkeypatch: pytest.MonkeyPatch) -> None:
    """No event of TensorBoard can be written."""

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, FULL)

    monkeypatch.setattr(RecordWriter, "write", refuse)


@pytest.mark.usefixtures("_full")
def test_tensorboard_is_one_line_with_its_folder(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(WorldvaeError, match=rf"^{tmp_path}: {FULL}$"):
        draw(tmp_path)
    assert capfd.readouterr().err == ""


def draw(folder: Path) -> None:
    board = Board(folder, 0)
    for step in range(100):
        board.add("loss", 1.0, step)
    board.close()


@pytest.mark.usefixtures("_full")
def test_what_a_training_logs_is_one_line_with_its_folder(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(WorldvaeError, match=rf"^{tmp_path}/log: {FULL}$"):
        log_into(tmp_path / "log")
    assert capfd.readouterr().err == ""


def log_into(folder: Path) -> None:
    with open_log(folder) as log:
        for step in range(100):
            log.record("loss", 1.0)
            log.dump(step)


def pictures(count: int) -> Iterator[np.ndarray[Any, np.dtype[np.uint8]]]:
    """Noise, of which a film is large."""
    random = np.random.default_rng(0)
    for _ in range(count):
        yield random.integers(0, 255, (64, 64, 3), np.uint8)


@pytest.fixture
def _little_room() -> Iterator[None]:
    """No file of this process grows beyond some kilobytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_film_that_is_whole_is_kept(tmp_path: Path) -> None:
    write_film(pictures(30), 10.0, tmp_path / "film.webm")
    assert (tmp_path / "film.webm").stat().st_size > 30_000, "more than there is room for below"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.usefixtures("_little_room")
def test_a_film_that_is_cut_by_a_full_disk_is_not_reported_as_written(tmp_path: Path) -> None:
    (tmp_path / "film.webm").write_text("the film before")
    with pytest.raises(WorldvaeError, match=r"film\.webm: the film was not written whole"):
        write_film(pictures(30), 10.0, tmp_path / "film.webm")
    assert (tmp_path / "film.webm").read_text() == "the film before"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_film_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    (tmp_path / ".film.tmp.webm").symlink_to(tmp_path / "mine")
    write_film(pictures(2), 10.0, tmp_path / "film.webm")
    assert (tmp_path / "mine").read_text() == "precious"
