"""Fields of configurations: their sections, types and bounds, and types for names of files."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from pydantic.fields import FieldInfo

LARGEST_SEED = 2**31 - 1
"""The largest seed that every environment takes; some hold it in 32 bits."""

LONGEST_NAME = 100
"""The longest name in bytes: file systems take 255, and names of files add to it."""


def check_name(name: str) -> str:
    """Return `name`; raise ValueError unless it can be the name of a folder."""
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise ValueError(
            "it names a folder: expected letters, digits, hyphens, underscores and dots, "
            "a letter or digit first"
        )
    if len(name.encode()) > LONGEST_NAME:
        raise ValueError(f"it names a folder, and is longer than {LONGEST_NAME} bytes")
    return name


def folder_name(text: str) -> str:
    """Return `text` as the name of a folder, with hyphens for characters that it cannot have."""
    return re.sub(r"[^\w.-]", "-", text).lstrip("-.") or "unnamed"


def check_given(path: Any) -> Any:
    """Return `path`; raise ValueError for empty text, which Path takes for the present folder."""
    if path == "":
        raise ValueError("expected a folder, not nothing; the present one is .")
    return path


def check_path(path: Path) -> Path:
    """Return `path`; raise ValueError unless it can be the path of a folder."""
    if any(len(part.encode(errors="replace")) > 255 for part in path.parts):
        raise ValueError("no file system takes a name of more than 255 bytes")
    return path


Name = Annotated[str, AfterValidator(check_name)]
"""The name of something that has its own folder inside the folder of a run."""

FolderPath = Annotated[Path, BeforeValidator(check_given), AfterValidator(check_path)]

Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]


def is_text(text: str) -> bool:
    """Return whether `text` has neither control characters nor halves of surrogate pairs."""
    return not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text)


def in_yaml(value: Any, quote: str = "'") -> str:
    """Return `value` in one line as YAML has it: null, true, .inf, [1, 2], {key: 'text'}.

    Text is put between `quote`, and is not escaped. What YAML has no form of writes itself.
    """
    if isinstance(value, Mapping):
        pairs = (f"{in_yaml(key, '')}: {in_yaml(below, quote)}" for key, below in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(in_yaml(part, quote) for part in value)}]"
    if isinstance(value, str | Path):
        return f"{quote}{value}{quote}"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    is_odd = isinstance(value, float) and not math.isfinite(value)
    return re.sub("(nan|inf)", r".\1", str(value)) if is_odd else str(value)


def shortened(value: Any, quote: str = "'") -> str:
    """Return `value` as `in_yaml` does, in about 80 characters at most, for a message."""
    try:
        text = in_yaml(value, quote)
    except ValueError:  # an int of more digits than Python writes
        return "a number of thousands of digits"
    shown = "".join(one if one.isprintable() else "\N{WHITE SQUARE}" for one in text[:81])
    return shown if len(text) <= 80 else f"{shown[:60]}... ({len(text):,} characters)"


@dataclass(frozen=True)
class Variants:
    """Describes a section that is one of several models, distinguished by the word at `key`.

    Used as Annotated[Annotated[A, Tag("a")] | ..., Discriminator(it.word_of),
    BeforeValidator(it.spelled_out), it]. A bare word is the model of that word, a mapping without
    the key the model of `default`.
    """

    key: str
    default: str

    def word_of(self, value: Any) -> Any:
        """Return the word of `value`, a model or a mapping; None if it has none."""
        word = value.get(self.key) if isinstance(value, Mapping) else getattr(value, self.key, None)
        return word if isinstance(word, str) else None

    def spelled_out(self, value: Any) -> Any:
        """Return `value` as a mapping that names its model, if it is a word or a mapping."""
        if isinstance(value, str):
            return {self.key: value}
        if value is None or (isinstance(value, Mapping) and self.key not in value):
            return {self.key: self.default, **(value or {})}
        return value


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of `model` by the keys that a file has for them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def sections_of(field: FieldInfo | None) -> tuple[type[BaseModel], ...]:
    """Return the models of a field that is a section: one, or all that it can be.

    A value has none, nor has None, the field of an unknown key; a dict or a list of sections is a
    value.
    """
    if field is None or get_origin(field.annotation) in {dict, tuple}:
        return ()
    kinds = (field.annotation, *map(_bare, get_args(field.annotation)))
    return tuple(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))


def model_within(field: FieldInfo | None) -> type[BaseModel] | None:
    """Return the model of each value of a field that is a list or a mapping of sections."""
    if field is None or get_origin(field.annotation) not in {dict, tuple}:
        return None
    kinds = map(_bare, get_args(field.annotation))
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def told_apart_by(field: FieldInfo | None) -> Variants | None:
    """Return what tells the models of a section apart, or None if it is only one."""
    metadata = () if field is None else field.metadata
    return next((one for one in metadata if isinstance(one, Variants)), None)


def variants_of(field: FieldInfo | None) -> dict[str, type[BaseModel]]:
    """Map words to the models that a section can be; a section of one model has none."""
    variants = told_apart_by(field)
    if variants is None:
        return {}
    return {model.model_fields[variants.key].default: model for model in sections_of(field)}


def kinds_of(annotation: Any) -> set[Any]:
    """Return the types that a field takes, including those within lists and mappings."""
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
    """Return `key` as `model` spells it, and its field if there is one.

    `key` may have hyphens in place of underscores.

    Below a field that is a mapping, keys are the user's own.
    """
    word, dot, rest = key.partition(".")
    fields, name = fields_of(model), word.replace("-", "_")
    if name not in fields:
        return f"{name}{dot}{rest}", None
    sections = sections_of(fields[name]) if dot else ()
    below = [find_field(rest, section) for section in sections]
    if not below:
        return f"{name}{dot}{rest}", None if dot else fields[name]
    spelled, field = next((one for one in below if one[1] is not None), below[0])
    return f"{name}.{spelled}", field


@dataclass(frozen=True)
class Place:
    """Where a value lies in a configuration.

    Args:
        parts: The parts of its dotted key.
        section: The model of the section that holds it. What lies within a value is in none, unless
            that is a list or a mapping of sections.
        holder: The field whose value that section is; None for the whole configuration.
    """

    parts: tuple[str, ...]
    section: type[BaseModel] | None
    holder: FieldInfo | None

    @property
    def field(self) -> FieldInfo | None:
        """The field of the value, if its section has one of that name."""
        return fields_of(self.section).get(self.parts[-1]) if self.section and self.parts else None


def locate(location: Sequence[str | int], model: type[BaseModel]) -> Place:
    """Return the place in a `model` of pydantic's `location`.

    Pydantic also names which of several models a section is; a file does not.
    """
    parts, rest = list[str](), list(location)
    place = Place((), model, None)
    below: type[BaseModel] | None = model
    while rest:
        parts.append(str(rest.pop(0)))
        place = Place(tuple(parts), below, place.field)
        variants, within = variants_of(place.field), model_within(place.field)
        below = next(iter(sections_of(place.field)), None)
        if rest and rest[0] in variants:
            below = variants[str(rest.pop(0))]
        elif within is not None and len(rest) > 1:
            parts.append(str(rest.pop(0)))
            below = within
    return place


def bounds_of(field: FieldInfo) -> str:
    """Return the bounds or the choices of a field as text, such as ", >= 0 and < 1"."""
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


def known_format(known: int) -> AfterValidator:
    """Return a validator of a file's version, which refuses any but `known`."""

    def check(version: int) -> int:
        if version != known:
            raise ValueError(
                f"{version}, not {known}, so another version of worldvae made it; use that one"
            )
        return version

    return AfterValidator(check)
