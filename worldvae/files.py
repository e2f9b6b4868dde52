"""Atomic files, lines with checksums, and locks; errors of the system become ArtifactErrors."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import multiprocessing
import os
import time
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

from worldvae.errors import ArtifactError, ConfigError

LOCK_POLL_SECONDS = 0.2
CHECKSUM = len('"crc": "00000000"}')

READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
"""The errors of a file system, or of a folder, that may only be read."""

UNFINISHED = ".*.tmp*"
"""The pattern of the names of unfinished files, which `atomic_file` and other writers use."""


@contextmanager
def user_errors(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into an ArtifactError that names `path`."""
    try:
        yield
    except OSError as error:
        raise ArtifactError(f"{path}: {error.strerror or error}") from None


@contextmanager
def if_writable() -> Iterator[None]:
    """Warn in place of raising if the system lets the block write nothing.

    For what a command leaves beside what it prints: a run on a read-only disk, of somebody else or
    on a full one can still be described.
    """
    try:
        yield
    except ArtifactError as error:
        if not isinstance(error.__context__, OSError):
            raise
        warnings.warn(f"not written: {error}", stacklevel=3)


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file to write to, which gets the name `path` only if the block succeeds.

    Missing parent folders are made. Readers see either the old content or all of the new.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with user_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def atomic_write_bytes(path: Path, data: bytes) -> None:
    """Replace the content of `path` by `data` in one step."""
    with atomic_file(path) as file:
        file.write(data)


def atomic_write_parts(path: Path, parts: Iterable[bytes | memoryview]) -> str:
    """Replace the content of `path` by the joined `parts` in one step; return its SHA-256 in hex.

    Each part is hashed when it is written, so that nothing is read again.
    """
    with atomic_file(path) as file:
        return write_parts(file, parts)


def write_parts(file: IO[bytes], parts: Iterable[bytes | memoryview]) -> str:
    """Append `parts` to `file` and return their SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
        file.write(part)
    return digest.hexdigest()


def atomic_write_text(path: Path, text: str) -> None:
    """Replace the content of `path` by `text` (UTF-8) in one step."""
    atomic_write_bytes(path, text.encode("utf-8"))


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


def last_jsonl(path: Path, tail: int = 4_096) -> dict[str, Any]:
    """Return the last finished line of `path`, which has to fit into `tail` bytes, else {}."""
    rows = last_rows(path, 1, tail)
    return rows[0] if rows else {}


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


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of the content of `path` in hexadecimal."""
    with user_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


@contextmanager
def locked(
    folder: Path,
    work: str,
    name: str = ".lock",
    patience: float = 0.0,
    alone: bool = False,
) -> Iterator[None]:
    """Hold `folder` for one process; a second one gets an ArtifactError that names the `work`.

    The system drops the lock when its holder ends, however it ends. Other machines see it if the
    file system they share has locks (NFS: with a lock service, and not mounted `nolock`). Where
    nobody can write, on a read-only file system, a missing lock is none to wait for.

    Args:
        name: The file that is locked in place of the folder.
        patience: Seconds to wait for another process to end.
        alone: Whether only the holder writes into the folder and the folders below it. Unfinished
            files there are then removed, since only a killed process can have left them.
    """
    check_guarded()
    lock = _open_lock(folder, name)
    with lock or nullcontext():
        until = time.monotonic() + patience
        while lock is not None and not _lock(lock, folder):
            if time.monotonic() >= until:
                raise ArtifactError(f"{folder}: another {work} is running here")
            time.sleep(LOCK_POLL_SECONDS)
        if alone:
            drop_unfinished(folder, below=True)
        yield


GUARD = (
    "processes that a script starts may begin by importing it (spawn, forkserver), so what it does "
    'has to stand under if __name__ == "__main__":'
)


def check_guarded() -> None:
    """Raise ConfigError in a process that runs its parent's script again."""
    # As multiprocessing itself does before it starts a process.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise ConfigError(f"this script is run again by a process that it has started: {GUARD}")


def drop_unfinished(folder: Path, below: bool = False) -> None:
    """Remove unfinished files in `folder`, and with `below` in the folders below it.

    Call it only if no process writes there at the moment. The process number in a file's name does
    not help: the writer may be on another machine, or its number may belong to another process now.
    """
    with user_errors(folder):
        for path in folder.rglob(UNFINISHED) if below else folder.glob(UNFINISHED):
            path.unlink(missing_ok=True)


def _open_lock(folder: Path, name: str) -> IO[bytes] | None:
    """Open the file to lock; None if there is none on a read-only file system.

    Who may only read a folder locks a file that is there. Raises ArtifactError if it is a link,
    whose target is not ours.
    """
    path = folder / name
    with user_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    flags = os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        lock = os.open(path, flags | os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        if error.errno in READ_ONLY and path.is_file() and not path.is_symlink():
            with user_errors(path):
                return os.fdopen(os.open(path, flags | os.O_RDONLY), "rb", buffering=0)
        if error.errno == errno.EROFS:
            return None
        reason = "a link, not a lock; remove it" if path.is_symlink() else error.strerror
        raise ArtifactError(f"{path}: {reason}") from None
    return os.fdopen(lock, "rb", buffering=0)


def _lock(file: IO[bytes], folder: Path) -> bool:
    """Lock the file and return True, or return False if another process holds the lock."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise ArtifactError(
            f"{folder}: its file system has no locks ({error.strerror}); use one that has, "
            "or mount it with them"
        ) from None
    return True
