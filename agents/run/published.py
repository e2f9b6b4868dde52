"""Reads published comparisons, whose logs are an archive beside their config in docs/results."""

from __future__ import annotations

import lzma
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.run.declared import DECLARED
from agents.run.load import read_run
from agents.run.records import Run
from worldvae.errors import ArtifactError
from worldvae.files import user_errors

LOGS = "logs.tar.xz"


def read_published(folder: Path) -> Run:
    """Read a run folder, or a published one, whose logs are packed beside its `config.yaml`.

    The files of a published run exist only while they are read, so films and pictures that a `Run`
    opens later are missing.
    """
    if not (folder / LOGS).exists():
        return read_run(folder)
    with tempfile.TemporaryDirectory() as scratch:
        return read_run(unpack(folder, Path(scratch) / folder.name))


def unpack(folder: Path, into: Path) -> Path:
    """Unpack a published comparison into `into`, as the run folder that `scripts.compare` left.

    Raises ArtifactError if the archive is damaged or contains paths outside of `into`.
    """
    archive = folder / LOGS
    with user_errors(into):
        into.mkdir(parents=True)
    with user_errors(archive), _refusing_damage(archive), tarfile.open(archive, "r:xz") as tar:
        tar.extractall(into, filter="data")
    for name in ("config.yaml", DECLARED.name):
        if (folder / name).exists():
            shutil.copy(folder / name, into)
    return into


@contextmanager
def _refusing_damage(archive: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise ArtifactError(f"{archive}: {error}; restore it from the repository") from None
