import errno
import fcntl
import hashlib
import os
import threading
import zlib

import pytest

from worldvae.errors import ArtifactError, WorldvaeError
from worldvae.files import (
    append_jsonl,
    atomic_file,
    atomic_write_bytes,
    atomic_write_parts,
    atomic_write_text,
    checked_lines,
    if_writable,
    last_jsonl,
    last_rows,
    locked,
    read_jsonl,
    sha256_file,
    write_jsonl,
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


def test_parts_are_joined_and_hashed(tmp_path):
    path = tmp_path / "file"
    digest = atomic_write_parts(path, [b"ab", memoryview(b"c")])
    assert path.read_bytes() == b"abc"
    assert digest == sha256_file(path) == hashlib.sha256(b"abc").hexdigest()


def test_a_torn_last_line_is_neither_read_nor_kept(tmp_path):
    path = tmp_path / "rows.jsonl"
    assert read_jsonl(path) == []
    append_jsonl(path, {"a": 1})
    with path.open("ab") as file:
        file.write(b'{"a": 2')
    assert read_jsonl(path) == [{"a": 1}]
    append_jsonl(path, {"a": 3})
    assert read_jsonl(path) == [{"a": 1}, {"a": 3}]


def test_a_torn_first_line_is_dropped(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a"')
    append_jsonl(path, {"b": 1})
    checksum = zlib.crc32(b'{"b": 1}')
    assert path.read_text() == f'{{"b": 1, "crc": "{checksum:08x}"}}\n'


@pytest.mark.parametrize("line", [b"{", b"3", b'{"a": 4}', b'{"a": 4, "crc": "00000000"}'])
def test_damage_inside_is_named_with_its_line(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    for number in range(3):
        append_jsonl(path, {"a": number})
    first, _, last = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([first, line, last]) + b"\n")
    with pytest.raises(WorldvaeError, match=r"rows\.jsonl: line 2 is damaged; remove it"):
        read_jsonl(path, "remove it")
    assert list(checked_lines(path)) == [(1, {"a": 0}), (2, None), (3, {"a": 2})]
    assert last_rows(path, 3) == [{"a": 0}, {"a": 2}]


def test_every_flipped_bit_of_a_line_is_seen(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"a": 1.5}, {}, {"b": [None, "\u00e9"]}])
    whole = path.read_bytes()
    for place in range(len(whole) - 1):  # the last newline ends a line that may be unfinished
        for bit in range(8):
            data = bytearray(whole)
            data[place] ^= 1 << bit
            path.write_bytes(data)
            with pytest.raises(WorldvaeError, match="is damaged"):
                read_jsonl(path)


def test_a_whole_line_that_lacks_its_newline_is_kept(tmp_path):
    path = tmp_path / "rows.jsonl"
    append_jsonl(path, {"a": 1})
    path.write_bytes(path.read_bytes()[:-1])
    assert read_jsonl(path) == [{"a": 1}]
    append_jsonl(path, {"a": 2})
    assert read_jsonl(path) == [{"a": 1}, {"a": 2}]


def test_rows_are_replaced_in_one_step(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"a": 1}, {"a": 2}])
    assert read_jsonl(path) == [{"a": 1}, {"a": 2}]


def test_sha256_is_that_of_the_content(tmp_path):
    atomic_write_bytes(tmp_path / "file", b"abc")
    assert sha256_file(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(WorldvaeError, match="none: No such file"):
        sha256_file(tmp_path / "none")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_is_a_user_error(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.symlink_to("/dev/full")
    with pytest.raises(WorldvaeError, match=r"rows\.jsonl: .*"):
        append_jsonl(path, {"a": 1})


def test_a_folder_that_cannot_be_made_is_a_user_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorldvaeError, match="file/below: File exists"):
        atomic_write_text(tmp_path / "file" / "below", "text")


def test_the_last_rows_are_the_whole_ones_among_the_last_bytes(tmp_path):
    path = tmp_path / "rows.jsonl"
    assert last_rows(path, 3) == []
    for number in range(10):
        append_jsonl(path, {"a": number})
    with path.open("ab") as file:
        file.write(b'{"a": 1')
    assert last_rows(path, 3) == [{"a": 7}, {"a": 8}, {"a": 9}]
    assert last_jsonl(path) == {"a": 9}
    line = len(b'{"a": 0, "crc": "00000000"}\n')
    torn = len(b'{"a": 1')
    assert last_rows(path, 5, tail=2 * line + torn + 1) == [{"a": 8}, {"a": 9}]


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


@pytest.fixture
def read_only(monkeypatch):
    """Files are opened for reading alone, as on a disk that is mounted so."""
    found = os.open

    def refuse(path, flags, *args, **kwargs):
        if flags & (os.O_RDWR | os.O_WRONLY | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return found(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)


@pytest.mark.parametrize("was_locked", [False, True])
def test_what_can_only_be_read_is_read_as_if_locked(tmp_path, request, was_locked):
    if was_locked:
        with locked(tmp_path, "work"):
            pass
    request.getfixturevalue("read_only")
    with locked(tmp_path, "work"):
        if was_locked:
            with (
                pytest.raises(WorldvaeError, match="another x is running"),
                locked(tmp_path, "x"),
            ):
                pass
    assert list(tmp_path.glob(".lock")) == [tmp_path / ".lock"] * was_locked


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
