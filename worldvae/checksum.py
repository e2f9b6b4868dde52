"""Files that show whether they are what was written: damage and edits by hand are told, in a line.

JSON has one key more, `sha256`, of its values: it stays plain JSON. Other files end with a line
`# sha256: ...` of the bytes before, which YAML takes for a comment and zip readers skip.

A seal guards against damage and slips, not against forgery: who knows the rule can seal anew.
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

CHECKSUM = "sha256"
MARK = b"\n# sha256: "
TRAILER = len(MARK) + 64 + 1
"""Bytes at the end of a file that is no JSON: the mark, hexadecimal digits, a newline."""

HEADER = b"# worldvae wrote this file; its last line tells whether it is whole\n"
"""Of YAML, which users write, too: what begins so has to end so."""

T = TypeVar("T")


def with_checksum(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` as JSON has them, and the hash of all of them in the place of an older one."""
    plain = json.loads(json.dumps({key: values[key] for key in values if key != CHECKSUM}))
    return {**plain, CHECKSUM: _digest(plain)}


def write_checked(path: Path, values: Mapping[str, Any] | BaseModel) -> None:
    """Write what `read_checked` reads, in one step."""
    if isinstance(values, BaseModel):
        values = values.model_dump(mode="json", by_alias=True)
    atomic_write_text(path, json.dumps(with_checksum(values), indent=1) + "\n")


def read_checked(path: Path, remedy: str) -> dict[str, Any]:
    """The values in the JSON file `path`, without their seal.

    Raises ArtifactError with the `remedy` if they are not those that were written.
    """
    with user_errors(path):
        data = path.read_bytes()
    try:
        values = json.loads(data)
        is_whole = isinstance(values, dict) and values.pop(CHECKSUM, None) == _digest(values)
    except (ValueError, RecursionError):
        is_whole = False
    if not is_whole:
        raise damaged(path, remedy)
    found: dict[str, Any] = values
    return found


def read_checked_as(path: Path, kind: type[T], remedy: str) -> T:
    """The JSON file `path` as `kind`, a model or a dataclass; ArtifactError also if it is none."""
    values = read_checked(path, remedy)
    try:
        return TypeAdapter(kind).validate_json(json.dumps(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        reason = f"{where}: {first['msg'].removeprefix('Value error, ')}".removeprefix(": ")
        raise ArtifactError(f"{path}: {reason}; {remedy}") from None


def is_intact(path: Path) -> bool:
    """Whether a JSON file is there and is what was written: what a stage leaves when it is done."""
    try:
        read_checked(path, "")
    except WorldvaeError:
        return False
    return True


def write_checked_bytes(path: Path, data: bytes) -> None:
    """Write what `read_checked_bytes` reads, in one step."""
    digest = hashlib.sha256(data).hexdigest().encode()
    atomic_write_bytes(path, data + MARK + digest + b"\n")


def read_checked_bytes(path: Path, remedy: str) -> bytes:
    """The content of `path` without its last line; ArtifactError if it is not what was written."""
    with user_errors(path):
        data = path.read_bytes()
    content, trailer = data[:-TRAILER], data[-TRAILER:]
    if trailer != MARK + hashlib.sha256(content).hexdigest().encode() + b"\n":
        raise damaged(path, remedy)
    return content


def write_checked_yaml(path: Path, text: str) -> None:
    """Write YAML that `check_yaml` knows again, in one step."""
    write_checked_bytes(path, HEADER + text.encode())


def check_yaml(path: Path, remedy: str) -> None:
    """Raise ArtifactError if `write_checked_yaml` wrote `path` and it was changed since.

    A file that a user wrote, or that is not there, passes.
    """
    if not path.is_file():
        return
    with user_errors(path), path.open("rb") as file:
        is_ours = file.read(len(HEADER)) == HEADER
    if is_ours:
        read_checked_bytes(path, remedy)


def damaged(path: Path, remedy: str) -> ArtifactError:
    """What is said of a file that is not what was written."""
    return ArtifactError(f"{path}: damaged, or edited since it was written; {remedy}")


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
