"""Kinds of JSON files that a run leaves: the name, the model of all of the content, the remedy.

Who writes such a file and who reads it share one value of these, so that neither knows its keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from worldvae.checksum import is_intact, read_checked_as, write_checked
from worldvae.errors import ArtifactError
from worldvae.jsonl import append_jsonl, last_rows, read_jsonl, write_jsonl
from worldvae.mistakes import Mistake, path_of


class Content(BaseModel):
    """The content of a file, or of a line of one: immutable, with these keys and no others.

    What a user writes is a `Config`, which also looks for the mistakes of users.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False
    )


M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class JsonFile(Generic[M]):
    """A kind of file that is written in one step and ends with its checksum.

    Args:
        name: The name of the file in the folder that it describes.
        model: The model of its content.
        remedy: What a user can do about a damaged file; "{folder}" stands for its folder.
    """

    name: str
    model: type[M]
    remedy: str

    def read(self, folder: Path) -> M:
        """Return the content; raise ArtifactError with the remedy if it is missing or damaged."""
        return read_checked_as(folder / self.name, self.model, self.remedy.format(folder=folder))

    def write(self, folder: Path, content: M) -> None:
        """Write the content in one step."""
        write_checked(folder / self.name, content)

    def exists(self, folder: Path) -> bool:
        """Return whether the file exists, whole or damaged."""
        return (folder / self.name).exists()

    def is_whole(self, folder: Path) -> bool:
        """Return whether the file exists and is undamaged, as after a stage that is done."""
        return is_intact(folder / self.name)


@dataclass(frozen=True)
class JsonLog(Generic[M]):
    """A kind of file that grows by lines, each of which ends with its checksum.

    Args:
        name: The name of the file in the folder that it describes.
        model: The model of a line.
        remedy: What a user can do about a damaged line; "{folder}" stands for the folder.
    """

    name: str
    model: type[M]
    remedy: str

    def read(self, folder: Path) -> list[M]:
        """Return the finished lines; none if the file does not exist.

        Raises ArtifactError with the remedy for a line that is damaged or of another model.
        """
        path, remedy = folder / self.name, self.remedy.format(folder=folder)
        rows = read_jsonl(path, remedy)
        try:
            return TypeAdapter(list[self.model]).validate_python(rows)  # type: ignore[name-defined]
        except ValidationError as error:
            mistake = Mistake.of(error)
            number, *where = mistake.location
            key = path_of(where)
            raise ArtifactError(
                f"{path}: line {int(number) + 1}: {key}: {mistake.words}; {remedy}"
            ) from None

    def last(self, folder: Path, count: int = 1) -> list[M]:
        """Return at most `count` of the last finished lines, without those of another model."""
        return [line for row in last_rows(folder / self.name, count) if (line := self._line(row))]

    def append(self, folder: Path, line: M) -> None:
        """Append a line; an unfinished last line is removed first."""
        append_jsonl(folder / self.name, _row(line))

    def write(self, folder: Path, lines: Iterable[M]) -> None:
        """Replace all lines in one step."""
        write_jsonl(folder / self.name, [_row(line) for line in lines])

    def _line(self, row: dict[str, Any]) -> M | None:
        try:
            return self.model.model_validate(row)
        except ValidationError:
            return None


def _row(line: BaseModel) -> dict[str, Any]:
    return line.model_dump(mode="json", by_alias=True)
