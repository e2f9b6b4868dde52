"""Files that are whole or absent, however the writer ends; a full disk is an ArtifactError."""

from __future__ import annotations

import fcntl
import hashlib
import json
import multiprocessing
import os
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from worldvae.errors import ArtifactError, ConfigError

LOCK_POLL_SECONDS = 0.2
CHECKSUM = len('"crc": "00000000"}')

UNFINISHED = ".*.tmp*"
"""Names of what `atomic_file` writes to; other writers of whole files use such names, too."""


@contextmanager
def user_errors(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into an ArtifactError that names `path`."""
    try:
        yield
    except OSError as error:
        raise ArtifactError(f"{path}: {error.strerror or error}") from None


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that takes the name `path` only if the block succeeds.

    Missing parent folders are made. Readers see the old content, or all of the new.
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
    """Replace the content of `path` by `parts`, end to end, in one step; its SHA-256 (hexadecimal).

    Each part is hashed as it is written, so that nothing is read again.
    """
    with atomic_file(path) as file:
        return write_parts(file, parts)


def write_parts(file: IO[bytes], parts: Iterable[bytes | memoryview]) -> str:
    """Add `parts` to `file`, end to end; their SHA-256 (hexadecimal)."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
        file.write(part)
    return digest.hexdigest()


def atomic_write_text(path: Path, text: str) -> None:
    """Replace the content of `path` by `text` (UTF-8) in one step."""
    atomic_write_bytes(path, text.encode("utf-8"))


def append_jsonl(path: Path, row: Mapping[str, Any]) -> None:
    """Add `row` and its checksum as one line; of an unfinished line nothing is left."""
    with user_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            _end_last_line(file)
            file.write(_line(row))


def read_jsonl(
    path: Path, remedy: str = "restore the file or remove that line"
) -> list[dict[str, Any]]:
    """The finished lines of `path`, without their checksums; none if it does not exist.

    A last line without its end was never finished and is left out; any other damage raises
    ArtifactError with the number of the line and the `remedy`.
    """
    rows = []
    for number, row in checked_lines(path):
        if row is None:
            raise ArtifactError(f"{path}: line {number} is damaged; {remedy}")
        rows.append(row)
    return rows


def checked_lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Number and content of the finished lines of `path`; None is a damaged one."""
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
    """Ended lines of `path`, whole or damaged; 0 if it does not exist."""
    if not path.exists():
        return 0
    with user_errors(path):
        return path.read_bytes().count(b"\n")


def last_jsonl(path: Path, tail: int = 4_096) -> dict[str, Any]:
    """The last finished line of `path`, of at most `tail` bytes; empty if there is none."""
    rows = last_rows(path, 1, tail)
    return rows[0] if rows else {}


def last_rows(path: Path, count: int, tail: int = 4_096) -> list[dict[str, Any]]:
    """At most `count` finished lines of `path`, those whole in its last `tail` bytes."""
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
    """The SHA-256 of the content of `path`, in hexadecimal."""
    with user_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _line(row: Mapping[str, Any]) -> bytes:
    """{"a": 1} -> {"a": 1, "crc": "..."}, the CRC-32 of the text without it, and a newline."""
    text = json.dumps(dict(row)).encode("utf-8")
    return text[:-1] + (b", " if row else b"") + _checksum(text) + b"\n"


def _row(line: bytes) -> dict[str, Any] | None:
    """What `_line` was given; None if the line is another."""
    text = line[:-CHECKSUM].removesuffix(b", ") + b"}"
    if line[-CHECKSUM:] != _checksum(text):
        return None
    row: dict[str, Any] = json.loads(text)
    return row


def _checksum(text: bytes) -> bytes:
    return b'"crc": "%08x"}' % zlib.crc32(text)


def _end_last_line(file: IO[bytes]) -> None:
    """Let `file` end with a newline: one that is missing is added, half a line is cut off.

    Where the last line is whole one byte is read.
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
    file system they share has locks (NFS: with a lock service, and not mounted `nolock`).

    Args:
        name: The file that stands for the folder.
        patience: Seconds to wait for another to end.
        alone: The holder alone writes into the folder and below, so that what it finds there of
            unfinished files was left by one that was killed: it is removed.
    """
    check_guarded()
    lock = _open_lock(folder, name)
    with lock:
        until = time.monotonic() + patience
        while not _lock(lock, folder):
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
    """Remove what killed writers left in `folder`, and in the folders below it.

    Only for who knows that nobody writes there at the moment. A process number says nothing:
    the writer may have been on another machine, or its number may be another's by now.
    """
    with user_errors(folder):
        for path in folder.rglob(UNFINISHED) if below else folder.glob(UNFINISHED):
            path.unlink(missing_ok=True)


def _open_lock(folder: Path, name: str) -> IO[bytes]:
    """The file to lock, never through a link: its target is nothing of ours."""
    path = folder / name
    with user_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        reason = "a link, not a lock; remove it" if path.is_symlink() else error.strerror
        raise ArtifactError(f"{path}: {reason}") from None
    return os.fdopen(lock, "rb", buffering=0)


def _lock(file: IO[bytes], folder: Path) -> bool:
    """Whether nobody else holds it."""
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
