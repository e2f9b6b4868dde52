"""Files that are whole or not there; errors of the system become ArtifactErrors."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from worldvae.errors import ArtifactError

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
    # Processes on other machines, or in other containers, may have the same number.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    with user_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
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


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of the content of `path` in hexadecimal."""
    with user_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def drop_unfinished(folder: Path, below: bool = False, names: Iterable[str] = ("",)) -> None:
    """Remove unfinished files in `folder`, and with `below` in the folders below it.

    `names` are those that the files would have had, or how these begin; by default any. Call it
    only if no process writes them at the moment. The process number in a file's name does
    not help: the writer may be on another machine, or its number may belong to another process now.
    """
    with user_errors(folder):
        for name in names:
            pattern = UNFINISHED.replace("*", f"{name}*", 1)
            for path in folder.rglob(pattern) if below else folder.glob(pattern):
                path.unlink(missing_ok=True)
