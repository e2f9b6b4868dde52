"""Frozen pydantic models from one YAML file and command-line overrides; errors are one line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from worldvae.errors import ConfigError
from worldvae.fields import (
    fields_of,
    find_field,
    is_text,
    kinds_of,
    sections_of,
    shortened,
    told_apart_by,
)
from worldvae.folders import check_is_no_artifact
from worldvae.json_files import Content
from worldvae.keys import explain
from worldvae.yaml_values import DEEPEST, LONGEST, dump_yaml, parse_yaml

LARGEST_NUMBER = 1e18
"""The largest number that a configuration may hold; int64 holds it too."""


C = TypeVar("C", bound="Config")


class Config(Content):
    """The base of every configuration, which a user writes and so may mistake numbers in."""

    @field_validator("*", mode="before")
    @classmethod
    def _sensible_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse numbers above LARGEST_NUMBER, and booleans, which Pydantic takes for numbers."""
        every = value if isinstance(value, list | tuple) else (value,)
        numbers = [one for one in every if isinstance(one, int | float)]
        if numbers and not all(-LARGEST_NUMBER <= number <= LARGEST_NUMBER for number in numbers):
            raise ValueError(f"expected a number of at most {LARGEST_NUMBER:.0e}")
        if any(isinstance(number, bool) for number in numbers):
            takes = kinds_of(cls.model_fields[info.field_name or ""].annotation)
            if takes & {int, float} and not takes & {bool, Any}:
                raise ValueError("expected a number, not true or false")
        return value

    def part(self, model: type[C]) -> C:
        """Return the part of this configuration that `model`, one of its bases, describes."""
        return model(**{name: getattr(self, name) for name in model.model_fields})


def load_config(model: type[C], path: Path, overrides: Mapping[str, Any] | None = None) -> C:
    """Read `path` (YAML) into `model`; `overrides` maps dotted keys ("agent.gamma") to values.

    Raises ConfigError naming file, key, value and the nearest valid key, and ArtifactError for a
    file of JSON, or of lines of it, that worldvae wrote, which is none of a user's.
    """
    with suppress(OSError):  # reading it tells why
        check_is_no_artifact(path)
    values = _without_empty_sections(read_yaml(path), model)
    given = overrides or {}
    # A whole section before its keys, and the word that tells which model it is before the others,
    # so that any order of the options says the same.
    for key in sorted(given, key=lambda key: (key.count("."), not _names_variant(key, model))):
        _assign(values, key, given[key], model)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_explain(error, model, path, overrides or {})) from None


def parse_overrides(arguments: Sequence[str], model: type[Config]) -> dict[str, Any]:
    """Parse `["--pretrain.steps", "4"]` or `["--pretrain.steps=4"]` to `{"pretrain.steps": 4}`.

    Where a key of `model` wants text, the value is the very text; elsewhere it is YAML, so that
    `null`, `[1, 2]` and `{steer: 1}` mean what they mean in the file.
    """
    overrides: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise ConfigError(
                f"command line: {shortened(word)} is not an option; write --key value"
            )
        key, has_equals, text = word[2:].partition("=")
        where = f"command line: --{shortened(key, '')}"
        if not has_equals:
            if not rest:
                raise ConfigError(f"{where} has no value; write --{shortened(key, '')} VALUE")
            text = rest.pop(0)
        if not key.strip("."):
            raise ConfigError(f"command line: {shortened(word)} names no key; write --key value")
        name, field = find_field(key, model)
        overrides[name] = _value_of(text, field, where)
    return overrides


def _value_of(text: str, field: FieldInfo | None, where: str) -> Any:
    """Parse the text of a value on the command line for `field`."""
    if not is_text(text):
        raise ConfigError(f"{where}: {shortened(text)} holds a character that is no text")
    kinds = kinds_of(field.annotation) if field is not None else {Any}
    if kinds <= {str, Path, type(None)}:
        return None if type(None) in kinds and text in {"null", "~"} else text
    return _yaml_value(text, where, comments=False)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in the YAML file `path`; an empty file is an empty mapping.

    Raises ConfigError if the file cannot be read or holds no mapping with text as keys.
    """
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text, so no YAML file"
        raise ConfigError(f"{path}: {reason}{_nearest_file(path)}") from None
    values = _yaml_value(text, str(path))
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected `key: value` lines, got {_kind(values)}")
    for key in values:
        if not isinstance(key, str):
            raise ConfigError(f"{path}: {shortened(key)}: no such key; keys are words")
    return values


def to_yaml(config: Config) -> str:
    """Return `config` as YAML with every default written out, which `load_config` reads back."""
    return dump_yaml(config.model_dump(mode="json", by_alias=True))


def merge(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with `changes`, merged by sections: {a: {b, c}}, {a: {c}} -> {a: {b, c}}."""
    below = {
        key: merge(value, change)
        for key, change in changes.items()
        if isinstance(value := values.get(key), Mapping) and isinstance(change, Mapping)
    }
    return {**values, **changes, **below}


def _yaml_value(text: str, where: str, comments: bool = True) -> Any:
    try:
        return parse_yaml(text, comments)
    except ValueError as error:
        raise ConfigError(f"{where}: not valid YAML: {error}") from None


def _without_empty_sections(values: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Drop sections with nothing below them: `env:` alone means the section's defaults."""
    fields = fields_of(model)
    return {
        key: value
        for key, value in values.items()
        if not (value is None and key in fields and sections_of(fields[key]))
    }


def _assign(values: dict[str, Any], dotted: str, value: Any, model: type[BaseModel]) -> None:
    where = f"command line: --{shortened(dotted, '')}"
    *parents, last = dotted.split(".")
    if len(parents) > DEEPEST:
        raise ConfigError(f"{where}: no such key; none has more than {DEEPEST} dots")
    field = None
    for depth, parent in enumerate(parents, start=1):
        field = find_field(".".join(parents[:depth]), model)[1]
        below = _spelled_out(values.get(parent), field)
        is_value = (
            field is not None
            and not sections_of(field)
            and not kinds_of(field.annotation) & {dict, Any}
        )
        if is_value or not isinstance(below, dict):
            raise ConfigError(f"{where}: {parent!r} is a value, it has no keys below")
        values[parent] = values = below
    if _becomes_another(values, {last: value}, field):
        values.clear()  # nothing is left of a section that becomes another one
    values[last] = _changed_section(values.get(last), value, find_field(dotted, model)[1])


def _names_variant(dotted: str, model: type[BaseModel]) -> bool:
    """Tell whether the key `dotted` holds the word that says which variant its section is."""
    section, _, last = dotted.rpartition(".")
    variants = told_apart_by(find_field(section, model)[1])
    return variants is not None and last == variants.key


def _changed_section(old: Any, new: Any, field: FieldInfo | None) -> Any:
    """Return `new`, or `old` if `new` is the bare word of the variant that `old` is already."""
    if told_apart_by(field) is None or not isinstance(new, str):
        return new
    before, after = _spelled_out(old, field), _spelled_out(new, field)
    is_same = isinstance(before, Mapping) and not _becomes_another(before, after, field)
    return {**before, **after} if is_same else new


def _spelled_out(value: Any, field: FieldInfo | None) -> Any:
    """Return a section as a mapping: nothing is {}, the bare word of a variant {name: vae}."""
    if value is None:
        return {}
    variants = told_apart_by(field)
    return variants.spelled_out(value) if variants and isinstance(value, str) else value


def merge_sections(
    values: Mapping[str, Any], changes: Mapping[str, Any], model: type[BaseModel]
) -> dict[str, Any]:
    """Return `values` of `model` with `changes`; a section of another variant is replaced.

    {"objective": {"beta": 4}} changes the beta of an objective; {"objective": "vae"} leaves nothing
    of a beta_vae.
    """
    merged, fields = {**values}, fields_of(model)
    for key, change in changes.items():
        field = fields.get(key)
        sections = sections_of(field)
        old, new = (_spelled_out(one, field) for one in (values.get(key), change))
        if not sections or not isinstance(old, Mapping) or not isinstance(new, Mapping):
            merged[key] = change
        elif _becomes_another(old, new, field):
            merged[key] = dict(new)
        else:
            merged[key] = merge_sections(old, new, sections[0])
    return merged


def _becomes_another(
    old: Mapping[str, Any], new: Mapping[str, Any], field: FieldInfo | None
) -> bool:
    """Tell whether `new` names another variant of the section than `old`."""
    variants = told_apart_by(field)
    if variants is None or variants.key not in new:
        return False
    return bool(new[variants.key] != old.get(variants.key, variants.default))


def _explain(
    error: ValidationError, model: type[Config], path: Path, overrides: Mapping[str, Any]
) -> str:
    key, words = explain(error, model)
    if not key:
        return f"{path}{words}"
    given = any(re.match(rf"{re.escape(name)}(?![\w-])", key) for name in overrides)
    return f"command line: --{key}{words}" if given else f"{path}: {key}{words}"


def _kind(value: Any) -> str:
    """Return what a file holds in place of keys."""
    words = {list: "a list", str: "text", int: "a number", float: "a number"}
    return words.get(type(value), shortened(value))


def _nearest_file(path: Path) -> str:
    with suppress(OSError):  # a name that no file can have
        if path.is_dir():
            inside = path / "config.yaml"
            return f"; did you mean {inside}?" if inside.is_file() else "; give a YAML file"
        if path.exists():
            return ""
    names = [other.name for other in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, 1)
    return f"; did you mean {path.parent / close[0]}?" if close else ""
