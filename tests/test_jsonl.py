import os
import zlib

import pytest

from worldvae.errors import WorldvaeError
from worldvae.jsonl import (
    append_jsonl,
    checked_lines,
    last_rows,
    read_jsonl,
    write_jsonl,
)


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


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_is_a_user_error(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.symlink_to("/dev/full")
    with pytest.raises(WorldvaeError, match=r"rows\.jsonl: .*"):
        append_jsonl(path, {"a": 1})


def test_the_last_rows_are_the_whole_ones_among_the_last_bytes(tmp_path):
    path = tmp_path / "rows.jsonl"
    assert last_rows(path, 3) == []
    for number in range(10):
        append_jsonl(path, {"a": number})
    with path.open("ab") as file:
        file.write(b'{"a": 1')
    assert last_rows(path, 3) == [{"a": 7}, {"a": 8}, {"a": 9}]
    assert last_rows(path, 1) == [{"a": 9}]
    line = len(b'{"a": 0, "crc": "00000000"}\n')
    torn = len(b'{"a": 1')
    assert last_rows(path, 5, tail=2 * line + torn + 1) == [{"a": 8}, {"a": 9}]
