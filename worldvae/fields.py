"""What a field of a configuration takes: its section, its types, its bounds, and names of files."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, Field
from pydantic.fields import FieldInfo

LARGEST_SEED = 2**31 - 1
"""What every environment takes; some hold it in 32 bits."""

LONGEST_NAME = 100
"""Bytes: file systems take 255, and what is made of a name is longer."""

MOST_STEPS = 10**12
"""Of an environment or an optimiser: more than a machine takes in a century."""


def check_name(name: str) -> str:
    """`name` if it can be a folder inside another one; ValueError with the reason if it cannot."""
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise ValueError(
            "it names a folder: expected letters, digits, hyphens, underscores and dots, "
            "a letter or digit first"
        )
    if len(name.encode()) > LONGEST_NAME:
        raise ValueError(f"it names a folder, and is longer than {LONGEST_NAME} bytes")
    return name


def folder_name(text: str) -> str:
    """`text` as a name of a folder: what does not belong into one is a hyphen."""
    return re.sub(r"[^\w.-]", "-", text).lstrip("-.") or "unnamed"


def check_path(path: Path) -> Path:
    """`path` if it can be one; ValueError with the reason if it cannot."""
    if not path.name and not path.is_absolute():
        raise ValueError("expected a folder; the present one is ./.")
    if any(len(part.encode(errors="replace")) > 255 for part in path.parts):
        raise ValueError("no file system takes a name of more than 255 bytes")
    return path


Name = Annotated[str, AfterValidator(check_name)]
"""Of something that has a folder of its own inside of a run's."""

FolderPath = Annotated[Path, AfterValidator(check_path)]

Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]


def is_text(text: str) -> bool:
    """Whether any file can hold `text`: no control characters, no halves of characters."""
    return not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text)


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The model behind a field that is a section of its own; a dict of sections is a value."""
    if get_origin(annotation) is dict:
        return None
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def kinds_of(annotation: Any) -> set[Any]:
    """The types that a field takes, those within lists and mappings included."""
    if annotation is Any:
        return {Any}
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return {type(value) for value in inner}
    if origin is Annotated:
        return kinds_of(inner[0])
    own = origin or annotation
    found = {own} if isinstance(own, type) and own is not UnionType else set()
    return found.union(*map(kinds_of, inner))


def find_field(key: str, model: type[BaseModel]) -> tuple[str, FieldInfo | None]:
    """`key` as `model` spells it, a hyphen for any underscore, and its field if it has one.

    Below a field that is a mapping, keys are the user's own.
    """
    word, dot, rest = key.partition(".")
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    name = word.replace("-", "_")
    if name not in fields:
        return f"{name}{dot}{rest}", None
    section = section_of(fields[name].annotation)
    if dot and section is not None:
        below, field = find_field(rest, section)
        return f"{name}.{below}", field
    return f"{name}{dot}{rest}", None if dot else fields[name]


def bounds_of(field: FieldInfo) -> str:
    """ ", 0 <= value < 1" or the choices, where a field has them."""
    choices = [value for value in get_args(field.annotation) if isinstance(value, str)]
    if choices:
        return f", one of {', '.join(choices)}"
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    limits = [
        f"{sign} {getattr(rule, name)}"
        for rule in field.metadata
        for name, sign in signs.items()
        if hasattr(rule, name)
    ]
    return f", {' and '.join(limits)}" if limits else ""
