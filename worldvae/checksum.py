"""Files with checksums, so that damage and edits by hand are noticed when they are read.

JSON gets one more key, `sha256`, the hash of its values. Other files end with a line
`# sha256: ...`, the hash of the bytes before it, which is a comment in YAML and is skipped by
readers of zip files.

A checksum guards against damage and mistakes, not against forgery, since anyone can compute it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from worldvae.errors import ArtifactError, WorldvaeError
from worldvae.files import atomic_write_bytes, atomic_write_text, user_errors
from worldvae.mistakes import Mistake

CHECKSUM = "sha256"
MARK = b"\n# sha256: "
TRAILER = len(MARK) + 64 + 1
"""Length in bytes of the last line of a file that is not JSON, with the newline before it."""

HEADER = b"# worldvae wrote this file; its last line tells whether it is whole\n"
"""The first line of YAML that worldvae wrote; a user's own YAML has neither this nor a checksum."""

T = TypeVar("T")


def hash_json(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 in hexadecimal of `values` as JSON, in whatever order their keys are."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def with_checksum(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` as JSON has them, with the hash of all of them under `sha256`."""
    plain = json.loads(json.dumps({key: values[key] for key in values if key != CHECKSUM}))
    return {**plain, CHECKSUM: hash_json(plain)}


def write_checked(path: Path, values: Mapping[str, Any] | BaseModel) -> None:
    """Write `values` and their hash as JSON to `path`, in one step; `read_checked` reads them."""
    atomic_write_text(path, checked_text(values))


def checked_text(values: Mapping[str, Any] | BaseModel) -> str:
    """Return the JSON that `write_checked` writes."""
    if isinstance(values, BaseModel):
        values = values.model_dump(mode="json", by_alias=True)
    return json.dumps(with_checksum(values), indent=1) + "\n"


def read_checked(path: Path, remedy: str) -> dict[str, Any]:
    """Return the values in the JSON file `path`, without their hash.

    Raises ArtifactError with the `remedy` if the file is missing or was changed since it was
    written.
    """
    with user_errors(path):
        data = path.read_bytes()
    try:
        values = json.loads(data)
        is_whole = isinstance(values, dict) and values.pop(CHECKSUM, None) == hash_json(values)
    except (ValueError, RecursionError):
        is_whole = False
    if not is_whole:
        raise damaged(path, remedy)
    found: dict[str, Any] = values
    return found


def read_checked_as(path: Path, kind: type[T], remedy: str) -> T:
    """Return the values in the JSON file `path` as `kind`, a model or a dataclass.

    Raises ArtifactError as `read_checked` does, and also if the values are not valid for `kind`.
    """
    values = read_checked(path, remedy)
    try:
        return TypeAdapter(kind).validate_json(json.dumps(values))
    except ValidationError as error:
        raise ArtifactError(f"{path}: {Mistake.of(error)}; {remedy}") from None


def is_intact(path: Path) -> bool:
    """Return whether the JSON file `path` exists and has not changed since it was written."""
    try:
        read_checked(path, "")
    except WorldvaeError:
        return False
    return True


def write_checked_bytes(path: Path, data: bytes) -> None:
    """Write `data` and a last line with its hash to `path`, in one step."""
    digest = hashlib.sha256(data).hexdigest().encode()
    atomic_write_bytes(path, data + MARK + digest + b"\n")


def read_checked_bytes(path: Path, remedy: str) -> bytes:
    """Return what `write_checked_bytes` wrote to `path`, without the last line.

    Raises ArtifactError with the `remedy` if the file is missing or was changed since.
    """
    with user_errors(path):
        data = path.read_bytes()
    content, trailer = data[:-TRAILER], data[-TRAILER:]
    if trailer != MARK + hashlib.sha256(content).hexdigest().encode() + b"\n":
        raise damaged(path, remedy)
    return content


def write_checked_yaml(path: Path, text: str) -> None:
    """Write the YAML `text` with a checksum, in one step; `check_yaml` compares it."""
    write_checked_bytes(path, HEADER + text.encode())


def check_yaml(path: Path, remedy: str) -> None:
    """Raise ArtifactError if `write_checked_yaml` wrote `path` and it was changed since.

    A missing file, or one that a user wrote, raises nothing.
    """
    if not path.is_file():
        return
    with user_errors(path), path.open("rb") as file:
        is_ours = file.read(len(HEADER)) == HEADER
    if is_ours:
        read_checked_bytes(path, remedy)


def damaged(path: Path, remedy: str) -> ArtifactError:
    """Return the error for a file that was changed since it was written."""
    return ArtifactError(f"{path}: damaged, or edited since it was written; {remedy}")
