import hashlib
import os

import pytest

from worldvae.config import UserError
from worldvae.files import (
    append_jsonl,
    atomic_file,
    atomic_write_bytes,
    atomic_write_parts,
    atomic_write_text,
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
    assert path.read_text() == '{"b": 1}\n'


@pytest.mark.parametrize("line", ["{", "3"])
def test_damage_inside_is_named_with_its_line(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"a": 1}}\n{line}\n{{"a": 2}}\n')
    with pytest.raises(UserError, match=r"rows\.jsonl: line 2 is damaged"):
        read_jsonl(path)


def test_rows_are_replaced_in_one_step(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"a": 1}, {"a": 2}])
    assert read_jsonl(path) == [{"a": 1}, {"a": 2}]


def test_sha256_is_that_of_the_content(tmp_path):
    atomic_write_bytes(tmp_path / "file", b"abc")
    assert sha256_file(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(UserError, match="none: No such file"):
        sha256_file(tmp_path / "none")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_is_a_user_error(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.symlink_to("/dev/full")
    with pytest.raises(UserError, match=r"rows\.jsonl: .*"):
        append_jsonl(path, {"a": 1})


def test_a_folder_that_cannot_be_made_is_a_user_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file/below: File exists"):
        atomic_write_text(tmp_path / "file" / "below", "text")
