"""JSON lines, each with a checksum: an unfinished last one is dropped, other damage is told."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from worldvae.errors import ArtifactError
from worldvae.files import atomic_write_bytes, user_errors

CHECKSUM = len('"crc": "00000000"}')


def append_jsonl(path: Path, row: Mapping[str, Any]) -> None:
    """Append `row` and its checksum as one line; an unfinished last line is removed first."""
    with user_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            _end_last_line(file)
            file.write(_line(row))


def read_jsonl(
    path: Path, remedy: str = "restore the file or remove that line"
) -> list[dict[str, Any]]:
    """Return the finished lines of `path` without their checksums; none if it does not exist.

    An unfinished last line is left out. Any other damage raises ArtifactError with the number of
    the line and the `remedy`.
    """
    rows = []
    for number, row in checked_lines(path):
        if row is None:
            raise ArtifactError(f"{path}: line {number} is damaged; {remedy}")
        rows.append(row)
    return rows


def checked_lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Yield number and content of the finished lines of `path`; a damaged line is None."""
    if not path.exists():
        return
    with user_errors(path):
        *lines, torn = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if line:
            yield number, _row(line)
    if (last := _row(torn)) is not None:
        yield len(lines) + 1, last


def count_lines(path: Path) -> int:
    """Return the number of newlines in `path`, also after damaged lines; 0 without the file."""
    if not path.exists():
        return 0
    with user_errors(path):
        return path.read_bytes().count(b"\n")


def last_rows(path: Path, count: int, tail: int = 4_096) -> list[dict[str, Any]]:
    """Return at most `count` of the last finished lines, those within the last `tail` bytes."""
    if not path.exists():
        return []
    with user_errors(path), path.open("rb") as file:
        begin = max(0, file.seek(0, os.SEEK_END) - tail)
        file.seek(begin)
        *lines, _torn = file.read().split(b"\n")
    whole = lines[1:] if begin else lines
    return [row for line in whole[-count:] if (row := _row(line)) is not None]


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    """Replace the content of `path` by `rows` in one step."""
    atomic_write_bytes(path, b"".join(map(_line, rows)))


def _line(row: Mapping[str, Any]) -> bytes:
    """Return {"a": 1} as the line {"a": 1, "crc": "..."}, with the CRC-32 of the text before it."""
    text = json.dumps(dict(row)).encode("utf-8")
    return text[:-1] + (b", " if row else b"") + _checksum(text) + b"\n"


def _row(line: bytes) -> dict[str, Any] | None:
    """Return the row that `_line` wrote; None if the line is damaged."""
    text = line[:-CHECKSUM].removesuffix(b", ") + b"}"
    if line[-CHECKSUM:] != _checksum(text):
        return None
    row: dict[str, Any] = json.loads(text)
    return row


def _checksum(text: bytes) -> bytes:
    return b'"crc": "%08x"}' % zlib.crc32(text)


def _end_last_line(file: IO[bytes]) -> None:
    """Make `file` end with a newline: add a missing one, or cut off an unfinished line.

    If the last line is finished, only one byte is read.
    """
    end = file.seek(0, os.SEEK_END)
    if end == 0:
        return
    file.seek(end - 1)
    if file.read(1) == b"\n":
        return
    file.seek(0)
    *_, torn = file.read().split(b"\n")
    if _row(torn) is None:
        file.truncate(end - len(torn))
    else:
        file.write(b"\n")
