"""A store of rollouts that begins with the episodes of another one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from worldvae.files import user_errors
from worldvae.rollouts.description import ENV, KEYS, STATE_COLUMNS
from worldvae.rollouts.manifest import ARRAYS_ENDING, FRAMES_ENDING, MANIFEST
from worldvae.rollouts.store import RolloutStore


def begin_with(source: RolloutStore, folder: Path) -> RolloutStore:
    """Return a store in `folder` that begins with the whole episodes of `source`.

    They keep their numbers, and so their splits. Their files are hard links where the file system
    has these, and copies elsewhere. If it was interrupted, the same call goes on; a store that is
    there already is only opened.
    """
    if ENV.exists(folder):
        return RolloutStore(folder)
    records = source.healthy()
    with user_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for record in records:
            for name in (f"{record.name}{FRAMES_ENDING}", f"{record.name}{ARRAYS_ENDING}"):
                _link(source.folder / name, folder / name)
    if STATE_COLUMNS.exists(source.folder):
        STATE_COLUMNS.write(folder, STATE_COLUMNS.read(source.folder))
    if KEYS.exists(source.folder):
        KEYS.write(folder, KEYS.read(source.folder))
    MANIFEST.write(folder, records)
    ENV.write(folder, source.env)  # with it the store is one
    return RolloutStore(folder)


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target)
