"""The manifest lists the episodes of a store, one line each; here it is compared with the files.

No file in the folder is ever written over: the number of a new episode is above those of all listed
episodes and of all files.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from worldvae.errors import ArtifactError
from worldvae.json_files import Content, JsonLog
from worldvae.jsonl import checked_lines
from worldvae.seeding import numpy_stream

Split = Literal["train", "validation", "test"]

FRAMES_ENDING, ARRAYS_ENDING = ".frames.npy", ".npz"
NAME = re.compile(r"(\d+)(?:\.frames\.npy|\.npz)")


class Record(Content):
    """One episode as a line of the manifest describes it.

    An episode that was not terminated was truncated: by the collector if `cut` is true, else by the
    environment.
    """

    name: str
    length: int
    return_: float
    seed: int
    policy: str
    split: Split
    terminated: bool
    cut: bool
    env: str
    seconds: float
    frames_sha256: str
    arrays_sha256: str


MANIFEST = JsonLog("manifest.jsonl", Record, "collect into another folder")


def split_of(number: int) -> Split:
    """Return the split of the episode with this number.

    Of ten consecutive episodes one, drawn at random, is for validation, another one for testing.
    """
    block, position = divmod(number, 10)
    order = numpy_stream(0, "split", block).permutation(10)
    special: dict[int, Split] = {int(order[0]): "validation", int(order[1]): "test"}
    return special.get(position, "train")


def read_manifest(folder: Path) -> list[Record]:
    """Return the episodes that the manifest in `folder` lists, in the order of their numbers.

    Lines that are damaged, or that list an episode again, are left out with a warning. Raises
    ArtifactError for a line of another version of worldvae.
    """
    path, found = folder / MANIFEST.name, dict[str, Record]()
    damaged, again = list[str](), list[str]()
    for number, row in checked_lines(path):
        if row is None:
            damaged.append(str(number))
            continue
        record = _record(path, row)
        if record.name in found:
            again.append(str(number))
        else:
            found[record.name] = record
    warn_of(damaged, f"{path}: damaged lines, whose episodes are left out and whose files stay")
    warn_of(again, f"{path}: lines that list an episode again, and are left out")
    return sorted(found.values(), key=lambda record: number_of(record.name))


def number_of(name: str) -> int:
    """Return the number of an episode, which decides its place and its split."""
    return int(name) if name.isdecimal() else 0


def names_on_disk(folder: Path) -> set[str]:
    """Return the names of the episodes of which `folder` holds a file."""
    return {found[1] for file in os.listdir(folder) if (found := NAME.fullmatch(file))}


def unlisted(folder: Path, records: Sequence[Record]) -> list[str]:
    """Return the episodes of which `folder` holds a file but `records` no line, by number."""
    found = names_on_disk(folder) - {record.name for record in records}
    return sorted(found, key=number_of)


def next_number(folder: Path, records: Sequence[Record]) -> int:
    """Return the least number above those of all `records` and of all files in `folder`."""
    names = names_on_disk(folder) | {record.name for record in records}
    return max((number_of(name) + 1 for name in names), default=0)


def warn_of_unlisted(folder: Path, records: Sequence[Record]) -> None:
    """Warn, in one line, of the episodes that `unlisted` returns; do nothing if there are none."""
    warn_of(
        unlisted(folder, records),
        f"{folder}: not listed in {MANIFEST.name}, so left out and not written over",
    )


def warn_of(names: Sequence[str], what: str) -> None:
    """Issue one warning on all of `names`, of which it shows a few; none if there are none."""
    if names:
        few = ", ".join(names[:5]) + (f", ... ({len(names)} in all)" if len(names) > 5 else "")
        warn(f"{what}: {few}")


def warn(message: str) -> None:
    """Issue a warning that Python shows only once, from wherever this is called."""
    warnings.warn(message, stacklevel=1)


def _record(path: Path, row: dict[str, Any]) -> Record:
    try:
        return Record(**row)
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        raise ArtifactError(
            f"{path}: a line has no valid {field}; it is of another version of worldvae: collect "
            "into another folder"
        ) from None
