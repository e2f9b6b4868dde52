"""Folders that one process holds at a time, and scripts that must not run twice."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO

from worldvae.errors import ArtifactError, ConfigError
from worldvae.files import READ_ONLY, drop_unfinished, user_errors

LOCK_POLL_SECONDS = 0.2


GUARD = (
    "processes that a script starts may begin by importing it (spawn, forkserver), so what it does "
    'has to stand under if __name__ == "__main__":'
)


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
        if alone and lock is not None and _is_writable(lock):
            drop_unfinished(folder, below=True)
        yield


def check_guarded() -> None:
    """Raise ConfigError in a process that runs its parent's script again."""
    # As multiprocessing itself does before it starts a process.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise ConfigError(f"this script is run again by a process that it has started: {GUARD}")


def _open_lock(folder: Path, name: str) -> IO[bytes] | None:
    """Open the file to lock; None if there is none in a folder that may only be read.

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
        if error.errno in READ_ONLY and not os.path.lexists(path):
            return None
        reason = "a link, not a lock; remove it" if path.is_symlink() else error.strerror
        raise ArtifactError(f"{path}: {reason}") from None
    return os.fdopen(lock, "rb", buffering=0)


def _lock(file: IO[bytes], folder: Path) -> bool:
    """Lock the file and return True, or return False if another process holds the lock.

    Who may only read it shares the lock with other readers: NFS gives them no other.
    """
    kind = fcntl.LOCK_EX if _is_writable(file) else fcntl.LOCK_SH
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise ArtifactError(
            f"{folder}: its file system has no locks ({error.strerror}); use one that has, "
            "or mount it with them"
        ) from None
    return True


def _is_writable(file: IO[bytes]) -> bool:
    return fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
