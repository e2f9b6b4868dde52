import errno
import hashlib
import os

import pytest

from worldvae.errors import ArtifactError, WorldvaeError
from worldvae.files import (
    atomic_file,
    atomic_write_bytes,
    atomic_write_parts,
    atomic_write_text,
    drop_unfinished,
    if_writable,
    sha256_file,
)


def _write_half(path):
    with atomic_file(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt


def test_a_failed_write_leaves_the_old_content_and_no_litter(tmp_path):
    path = tmp_path / "deep" / "file"
    atomic_write_text(path, "old")
    with pytest.raises(KeyboardInterrupt):
        _write_half(path)
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_writers_of_one_number_do_not_share_a_file(tmp_path, monkeypatch):
    """As processes in two containers, or on two machines, that write into one folder."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    path = tmp_path / "file"
    with atomic_file(path) as first:
        first.write(b"all of")
        with atomic_file(path) as second:
            second.write(b"another")
        assert path.read_bytes() == b"another"
        first.write(b" it")
    assert path.read_bytes() == b"all of it"


def test_unfinished_files_of_some_names_are_removed(tmp_path):
    for name in (".a.json.7.tmp", ".b.tmp.webm", "a.json"):
        (tmp_path / name).write_text("")
    drop_unfinished(tmp_path, names=["a.json"])
    assert {path.name for path in tmp_path.iterdir()} == {".b.tmp.webm", "a.json"}


def test_parts_are_joined_and_hashed(tmp_path):
    path = tmp_path / "file"
    digest = atomic_write_parts(path, [b"ab", memoryview(b"c")])
    assert path.read_bytes() == b"abc"
    assert digest == sha256_file(path) == hashlib.sha256(b"abc").hexdigest()


def test_sha256_is_that_of_the_content(tmp_path):
    atomic_write_bytes(tmp_path / "file", b"abc")
    assert sha256_file(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(WorldvaeError, match="none: No such file"):
        sha256_file(tmp_path / "none")


def test_a_folder_that_cannot_be_made_is_a_user_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorldvaeError, match="file/below: File exists"):
        atomic_write_text(tmp_path / "file" / "below", "text")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_what_is_printed_anyway_need_not_be_written(tmp_path, monkeypatch, number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", fail)
    path = tmp_path / "page.html"
    with (
        pytest.warns(UserWarning, match=f"not written: {path}: {os.strerror(number)}"),
        if_writable(),
    ):
        atomic_write_text(path, "text")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(WorldvaeError, match="damaged"), if_writable():
        raise ArtifactError("damaged")
