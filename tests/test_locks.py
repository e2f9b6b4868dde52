import errno
import fcntl
import os
import threading
from pathlib import Path

import pytest

from worldvae.errors import WorldvaeError
from worldvae.locks import locked


def test_a_folder_is_held_by_one(tmp_path):
    with (
        locked(tmp_path, "training"),
        pytest.raises(WorldvaeError, match="another training is running here"),
        locked(tmp_path, "training"),
    ):
        pass
    with locked(tmp_path, "training"), locked(tmp_path, "other", ".other.lock"):
        pass


def test_who_is_patient_gets_the_folder_when_it_is_free(tmp_path):
    order, held = [], threading.Event()

    def wait():
        held.wait()
        with locked(tmp_path, "training", patience=60.0):
            order.append("second")

    second = threading.Thread(target=wait)
    second.start()
    with locked(tmp_path, "training"):
        held.set()
        second.join(0.5)
        order.append("first")
    second.join()
    assert order == ["first", "second"]


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    def refuse(file, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(WorldvaeError, match="its file system has no locks \\(No locks available\\)"),
        locked(tmp_path, "training"),
    ):
        pass


def test_a_lock_that_is_a_link_is_refused_and_its_target_stays(tmp_path):
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / ".lock").symlink_to(tmp_path / "mine")
    told = r"x/\.lock: a link, not a lock; remove it"
    with pytest.raises(WorldvaeError, match=told), locked(tmp_path / "x", "training"):
        pass
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_lock_truncates_nothing(tmp_path):
    (tmp_path / ".lock").write_text("precious")
    with locked(tmp_path, "training"):
        pass
    assert (tmp_path / ".lock").read_text() == "precious"


def test_a_lock_that_is_a_folder_is_one_line(tmp_path):
    (tmp_path / ".lock").mkdir()
    told = r"\.lock: Is a directory"
    with pytest.raises(WorldvaeError, match=told), locked(tmp_path, "training"):
        pass


def test_who_holds_a_folder_alone_removes_what_killed_writers_left(tmp_path):
    left = [tmp_path / ".a.json.7.tmp", tmp_path / "x" / ".b.tmp.webm"]
    kept = [tmp_path / "a.json", tmp_path / "x" / "b.tmp", tmp_path / ".hidden"]
    (tmp_path / "x").mkdir()
    for path in [*left, *kept]:
        path.write_text("")
    with locked(tmp_path, "filming", ".film.lock"):
        assert all(path.exists() for path in left), "others may be writing"
    with locked(tmp_path, "training", alone=True):
        assert not any(path.exists() for path in left)
        assert all(path.exists() for path in kept)


DENIED = pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
"""A disk that is mounted to be read alone, and a folder of another user."""


def read_alone(monkeypatch, number):
    """Let files be opened for reading alone, and none be removed."""
    found = os.open

    def refuse(path, flags, *args, **kwargs):
        if flags & (os.O_RDWR | os.O_WRONLY | os.O_CREAT):
            raise OSError(number, os.strerror(number), str(path))
        return found(path, flags, *args, **kwargs)

    def refuse_to_remove(path, missing_ok=False):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(Path, "unlink", refuse_to_remove)


@DENIED
@pytest.mark.parametrize("was_locked", [False, True])
def test_what_can_only_be_read_is_read_as_if_locked(tmp_path, monkeypatch, number, was_locked):
    """By several at once, and what a killed writer left is not theirs to remove."""
    (tmp_path / ".a.json.7.tmp").write_text("")
    if was_locked:
        (tmp_path / ".lock").write_text("")
    with monkeypatch.context() as patch:
        read_alone(patch, number)
        with locked(tmp_path, "work", alone=True), locked(tmp_path, "x"):
            pass
    assert list(tmp_path.glob(".lock")) == [tmp_path / ".lock"] * was_locked


@DENIED
def test_who_may_only_read_is_told_of_who_writes(tmp_path, monkeypatch, number):
    with locked(tmp_path, "work"), monkeypatch.context() as patch:
        read_alone(patch, number)
        with pytest.raises(WorldvaeError, match="another x is running"), locked(tmp_path, "x"):
            pass


def test_readers_ask_for_a_lock_that_network_file_systems_give_them(tmp_path, monkeypatch):
    """There an exclusive lock needs a file that may be written."""
    (tmp_path / ".lock").write_text("")
    asked = []
    with monkeypatch.context() as patch:
        read_alone(patch, errno.EACCES)
        patch.setattr(fcntl, "flock", lambda _, kind: asked.append(kind))
        with locked(tmp_path, "work"):
            pass
    assert asked == [fcntl.LOCK_SH | fcntl.LOCK_NB]
