"""Frozen pydantic models from one YAML file and command-line overrides; errors are one line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from worldvae.errors import ConfigError
from worldvae.fields import bounds_of, find_field, is_text, kinds_of, section_of
from worldvae.yaml_values import DEEPEST, LONGEST, dump_yaml, parse_yaml

LARGEST = 1e18
"""Of any number: int64 holds it, and nobody waits for so many steps."""


class Config(BaseModel):
    """Base of every configuration: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _sensible_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        """Pydantic takes `true` for 1, and numbers that no array can count."""
        every = value if isinstance(value, list | tuple) else (value,)
        numbers = [one for one in every if isinstance(one, int | float)]
        if numbers and not all(-LARGEST <= number <= LARGEST for number in numbers):
            raise ValueError(f"expected a number of at most {LARGEST:.0e}")
        if any(isinstance(number, bool) for number in numbers):
            takes = kinds_of(cls.model_fields[info.field_name or ""].annotation)
            if takes & {int, float} and not takes & {bool, Any}:
                raise ValueError("expected a number, not true or false")
        return value


C = TypeVar("C", bound=Config)


def load_config(model: type[C], path: Path, overrides: Mapping[str, Any] | None = None) -> C:
    """Read `path` (YAML) into `model`; `overrides` maps dotted keys ("pretrain.beta") to values.

    Raises ConfigError naming file, key, value and the nearest valid key.
    """
    values = _without_empty_sections(read_yaml(path), model)
    for key, value in (overrides or {}).items():
        _assign(values, key, value)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_explain(error, model, path, overrides or {})) from None


def parse_overrides(arguments: Sequence[str], model: type[Config]) -> dict[str, Any]:
    """`["--pretrain.beta", "4", "--env.id=Pong"]` -> `{"pretrain.beta": 4, "env.id": "Pong"}`.

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
        name, field = find_field(key, model)
        overrides[name] = _value_of(text, field, where)
    return overrides


def _value_of(text: str, field: FieldInfo | None, where: str) -> Any:
    """A value on the command line."""
    if not is_text(text):
        raise ConfigError(f"{where}: {shortened(text)} holds a character that is no text")
    kinds = kinds_of(field.annotation) if field is not None else {Any}
    if kinds <= {str, Path, type(None)}:
        return None if type(None) in kinds and text in {"null", "~"} else text
    return _yaml_value(text, where, comments=False)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in `path`; an empty file is an empty mapping."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigError(f"{path}: {reason}{_nearest_file(path)}") from None
    values = _yaml_value(text, str(path))
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected `key: value` lines, got {type(values).__name__}")
    for key in values:
        if not isinstance(key, str):
            raise ConfigError(f"{path}: {shortened(key)}: no such key; keys are words")
    return values


def to_yaml(config: Config) -> str:
    """The resolved configuration, every default written out; `load_config` reads it back."""
    return dump_yaml(config.model_dump(mode="json", by_alias=True))


def merge(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with `changes`, section by section: {a: {b, c}} and {a: {c}} -> {a: {b, c}}."""
    below = {
        key: merge(value, change)
        for key, change in changes.items()
        if isinstance(value := values.get(key), Mapping) and isinstance(change, Mapping)
    }
    return {**values, **changes, **below}


def shortened(value: Any, quote: str = "'") -> str:
    """`value` in at most 80 characters, for a message."""
    try:
        text = f"{quote}{value}{quote}" if isinstance(value, str) else repr(value)
    except ValueError:  # an int of more digits than Python writes
        return "a number of thousands of digits"
    shown = "".join(one if one.isprintable() else "\N{WHITE SQUARE}" for one in text[:81])
    return shown if len(text) <= 80 else f"{shown[:60]}... ({len(text):,} characters)"


def _yaml_value(text: str, where: str, comments: bool = True) -> Any:
    try:
        return parse_yaml(text, comments)
    except ValueError as error:
        raise ConfigError(f"{where}: not valid YAML: {error}") from None


def _without_empty_sections(values: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """`env:` with nothing below it means the section's defaults."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    return {
        key: value
        for key, value in values.items()
        if not (value is None and key in fields and section_of(fields[key].annotation))
    }


def _assign(values: dict[str, Any], dotted: str, value: Any) -> None:
    where = f"command line: --{shortened(dotted, '')}"
    *parents, last = dotted.split(".")
    if len(parents) > DEEPEST:
        raise ConfigError(f"{where}: no such key; none has more than {DEEPEST} dots")
    for parent in parents:
        if values.get(parent) is None:
            values[parent] = {}
        if not isinstance(values[parent], dict):
            raise ConfigError(f"{where}: {parent!r} is a value, it has no keys below")
        values = values[parent]
    values[last] = value


def _explain(
    error: ValidationError, model: type[Config], path: Path, overrides: Mapping[str, Any]
) -> str:
    first = error.errors(include_url=False)[0]
    location = [str(part) for part in first["loc"] if part != "[key]"]
    key = shortened(".".join(location), "")
    given = any(name == key or key.startswith(f"{name}.") for name in overrides)
    where = f"command line: --{key}" if given else f"{path}: {key}"
    if first["type"] == "extra_forbidden":
        return f"{where}: no such key{_nearest_key(location, model)}"
    message = " ".join(first["msg"].removeprefix("Value error, ").split())
    if first["type"] == "missing":
        return f"{where}: missing; {message}"
    is_section = isinstance(first["input"], dict) and first["type"] == "value_error"
    given_value = "" if is_section else f" = {shortened(first['input'])}"
    return f"{where}{given_value}: {message[0].lower()}{message[1:]}"


def describe(model: type[BaseModel], prefix: str = "") -> str:
    """Name, default, bounds and meaning of every key of `model`; for `--help`."""
    lines: list[str] = []
    sections: list[str] = []
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        section = section_of(field.annotation)
        if section is not None:
            sections += [f"\n{key}: {field.description}", describe(section, f"{key}.")]
            continue
        default = field.get_default(call_default_factory=True)
        shown = json.dumps(default, default=str)
        lines.append(f"  --{key} (default: {shown}){bounds_of(field)}\n      {field.description}")
    return "\n".join(lines + sections)


def dotted_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key that a YAML file for `model` may hold: "env", "env.id", ..."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        yield key
        section = section_of(field.annotation)
        if section is not None:
            yield from dotted_keys(section, f"{key}.")


def _nearest_key(location: list[str], model: type[Config]) -> str:
    """The closest key of the same section, or the same word in another section."""
    keys = list(dotted_keys(model))
    key = ".".join(location)[:100]
    parent = key.rpartition(".")[0]
    siblings = [name for name in keys if name.rpartition(".")[0] == parent]
    close = difflib.get_close_matches(key, siblings, 1) or [
        name for name in keys if name.rpartition(".")[2] == location[-1]
    ]
    close = close or difflib.get_close_matches(key, keys, 1, cutoff=0.0)
    return f"; did you mean {close[0]}?" if close else ""


def _nearest_file(path: Path) -> str:
    with suppress(OSError):  # a name that no file can have
        if path.exists():
            return ""
    names = [other.name for other in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, 1)
    return f"; did you mean {path.parent / close[0]}?" if close else ""
