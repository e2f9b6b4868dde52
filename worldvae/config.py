"""Frozen pydantic models from one YAML file and command-line overrides; errors are one line."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo


class UserError(Exception):
    """A mistake of the user: one line that names what is wrong and how to mend it.

    The command line prints it without a traceback and exits with status 2.
    """


class Config(BaseModel):
    """Base of every configuration: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False
    )


C = TypeVar("C", bound=Config)


def load_config(model: type[C], path: Path, overrides: Mapping[str, Any] | None = None) -> C:
    """Read `path` (YAML) into `model`; `overrides` maps dotted keys ("pretrain.beta") to values.

    Raises UserError naming file, key, value and the nearest valid key.
    """
    values = _without_empty_sections(read_yaml(path), model)
    for key, value in (overrides or {}).items():
        _assign(values, key, value)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise UserError(_explain(error, model, path, overrides or {})) from None


def parse_overrides(arguments: Sequence[str]) -> dict[str, Any]:
    """`["--pretrain.beta", "4", "--env.id=Pong"]` -> `{"pretrain.beta": 4, "env.id": "Pong"}`.

    Values are YAML, so `null`, `[1, 2]` and `{steer: 1}` mean what they mean in the file.
    """
    overrides: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise UserError(f"command line: {word!r} is not an option; write --key value")
        key, has_equals, text = word[2:].partition("=")
        if not has_equals:
            if not rest:
                raise UserError(f"command line: --{key} has no value; write --{key} VALUE")
            text = rest.pop(0)
        overrides[key.replace("-", "_")] = _yaml_value(text, f"command line: --{key}")
    return overrides


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in `path`; an empty file is an empty mapping."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UserError(f"{path}: {reason}{_nearest_file(path)}") from None
    values = _yaml_value(text, str(path))
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected `key: value` lines, got {type(values).__name__}")
    return values


def to_yaml(config: Config) -> str:
    """The resolved configuration, every default written out; `load_config` reads it back."""
    return yaml.safe_dump(config.model_dump(mode="json", by_alias=True), sort_keys=False)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"env": {"id": 1}} -> {"env.id": 1}."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return flat


def merge(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with `changes`, section by section: {a: {b, c}} and {a: {c}} -> {a: {b, c}}."""
    below = {
        key: merge(value, change)
        for key, change in changes.items()
        if isinstance(value := values.get(key), Mapping) and isinstance(change, Mapping)
    }
    return {**values, **changes, **below}


def check_unchanged(
    made: Mapping[str, Any],
    now: Mapping[str, Any],
    folder: Path,
    advice: str = "choose another folder, or delete this one to start again",
) -> None:
    """Raise UserError if `folder` was `made` with other settings than `now`; both flat."""
    for key in {**made, **now}:
        if made.get(key) != now.get(key):
            raise UserError(
                f"{folder} was made with {key} = {made.get(key)!r}, now it is {now.get(key)!r}; "
                f"{advice}"
            )


class _Loader(yaml.SafeLoader):
    """YAML 1.1, but `1e-3` is a number (1.1 reads it as text, which surprises everybody)."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d[\d_]*)(\.[\d_]*)?[eE][-+]?\d+$"),
    list("-+0123456789"),
)


def _yaml_value(text: str, where: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        first_line = " ".join(str(error).split())
        raise UserError(f"{where}: not valid YAML: {first_line}") from None


def _without_empty_sections(values: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """`env:` with nothing below it means the section's defaults."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    return {
        key: value
        for key, value in values.items()
        if not (value is None and key in fields and _section(fields[key].annotation))
    }


def _assign(values: dict[str, Any], dotted: str, value: Any) -> None:
    *parents, last = dotted.split(".")
    for parent in parents:
        below = values.setdefault(parent, {})
        if not isinstance(below, dict):
            raise UserError(
                f"command line: --{dotted}: {parent!r} is a value, it has no keys below"
            )
        values = below
    values[last] = value


def _explain(
    error: ValidationError, model: type[Config], path: Path, overrides: Mapping[str, Any]
) -> str:
    first = error.errors(include_url=False)[0]
    location = [str(part) for part in first["loc"] if part != "[key]"]
    key = ".".join(location)
    given = any(name == key or key.startswith(f"{name}.") for name in overrides)
    where = f"command line: --{key}" if given else f"{path}: {key}"
    if first["type"] == "extra_forbidden":
        return f"{where}: no such key{_nearest_key(location, model)}"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        return f"{where}: missing; {message}"
    is_section = isinstance(first["input"], dict) and first["type"] == "value_error"
    given_value = "" if is_section else f" = {first['input']!r}"
    return f"{where}{given_value}: {message[0].lower()}{message[1:]}"


def describe(model: type[BaseModel], prefix: str = "") -> str:
    """Name, default, bounds and meaning of every key of `model`; for `--help`."""
    lines: list[str] = []
    sections: list[str] = []
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        section = _section(field.annotation)
        if section is not None:
            sections += [f"\n{key}: {field.description}", describe(section, f"{key}.")]
            continue
        default = field.get_default(call_default_factory=True)
        shown = json.dumps(default, default=str)
        lines.append(f"  --{key} (default: {shown}){_bounds(field)}\n      {field.description}")
    return "\n".join(lines + sections)


def dotted_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key that a YAML file for `model` may hold: "env", "env.id", ..."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        yield key
        section = _section(field.annotation)
        if section is not None:
            yield from dotted_keys(section, f"{key}.")


def _section(annotation: Any) -> type[BaseModel] | None:
    """The model behind a field that is a section of its own; a dict of sections is a value."""
    if get_origin(annotation) is dict:
        return None
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _bounds(field: FieldInfo) -> str:
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


def _nearest_key(location: list[str], model: type[Config]) -> str:
    """The closest key of the same section, or the same word in another section."""
    keys = list(dotted_keys(model))
    key = ".".join(location)
    parent = key.rpartition(".")[0]
    siblings = [name for name in keys if name.rpartition(".")[0] == parent]
    close = difflib.get_close_matches(key, siblings, 1) or [
        name for name in keys if name.rpartition(".")[2] == location[-1]
    ]
    close = close or difflib.get_close_matches(key, keys, 1, cutoff=0.0)
    return f"; did you mean {close[0]}?" if close else ""


def _nearest_file(path: Path) -> str:
    if path.exists():
        return ""
    names = [other.name for other in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, 1)
    return f"; did you mean {path.parent / close[0]}?" if close else ""
