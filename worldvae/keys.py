"""The keys of a configuration: their list for --help, and what is wrong with one of them."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from worldvae.fields import (
    bounds_of,
    fields_of,
    find_field,
    locate,
    sections_of,
    shortened,
    told_apart_by,
    variants_of,
)
from worldvae.mistakes import Mistake, either, path_of
from worldvae.yaml_values import parse_yaml


def describe(model: type[BaseModel], prefix: str = "") -> str:
    """Say name, default, bounds and meaning of every key of `model`, as `--help` shows them."""
    lines: list[str] = []
    sections: list[str] = []
    for name, field in fields_of(model).items():
        key, below = f"{prefix}{name}", sections_of(field)
        if not below:
            lines.append(_described(key, field))
            continue
        variants = variants_of(field)
        words = _variants(key, field) if variants else describe(below[0], f"{key}.")
        sections += [f"\n{key}: {field.description}", words]
    return "\n".join(lines + sections)


def _described(key: str, field: FieldInfo, users: str = "") -> str:
    shown = json.dumps(field.get_default(call_default_factory=True), default=str)
    return f"  --{key} (default: {shown}){bounds_of(field)}{users}\n      {field.description}"


def _variants(key: str, field: FieldInfo) -> str:
    """List the models that the section at `key` can be, and each key with those that have it."""
    told = told_apart_by(field)
    assert told is not None, key
    variants = variants_of(field)
    lines = [f"  --{key}.{told.key} (default: {json.dumps(told.default)}), or for short --{key}"]
    lines += [f"      {word}: {_first_line(model)}" for word, model in variants.items()]
    users: dict[str, list[str]] = {}
    keys: dict[str, tuple[str, FieldInfo]] = {}
    for word, model in variants.items():
        for name, below in fields_of(model).items():
            if name != told.key:
                line = _described(f"{key}.{name}", below)
                users.setdefault(line, []).append(word)
                keys[line] = f"{key}.{name}", below
    for line, words in users.items():
        of = "" if len(words) == len(variants) else f"; of {', '.join(words)}"
        lines.append(_described(*keys[line], of))
    return "\n".join(lines)


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").partition("\n")[0]


def dotted_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield every key that a YAML file for `model` may hold, each once: "env", "env.id", ..."""
    for name, field in fields_of(model).items():
        key = f"{prefix}{name}"
        yield key
        below = (dotted_keys(section, f"{key}.") for section in sections_of(field))
        yield from dict.fromkeys(chain.from_iterable(below))


def explain(error: ValidationError, model: type[BaseModel]) -> tuple[str, str]:
    """Return the key of the first mistake in the values of a `model`, and what is wrong with it.

    The two make a sentence: ("pretrain.steps", " = 'x': expected a whole number").
    """
    mistake = Mistake.of(error)
    parts, section = locate([part for part in mistake.location if part != "[key]"], model)
    if mistake.kind.startswith("union_tag_"):
        return _no_variant(parts, mistake.given, _field_at(parts, model))
    if mistake.kind == "extra_forbidden":
        return _key(parts), f": no such key{_elsewhere(parts, section, model)}"
    if mistake.kind == "missing":
        fields = fields_of(section) if section is not None else {}
        meaning = fields[parts[-1]].description if parts[-1] in fields else None
        return _key(parts), f": missing{f' ({meaning})' if meaning else ''}"
    field = find_field(".".join(parts), model)[1] if parts else None
    is_whole = isinstance(mistake.given, dict | BaseModel) and mistake.kind == "value_error"
    is_section = is_whole and (field is None or bool(sections_of(field)))
    given = "" if is_section else f" = {shortened(mistake.given)}"
    words, as_list = mistake.words, _as_list(mistake, field)
    return _key(parts), f"{given}: {words[0].lower()}{words[1:]}{as_list}"


def _as_list(mistake: Mistake, field: FieldInfo | None) -> str:
    """Say how what was given is written where a list of such values is wanted."""
    given = mistake.given
    is_one = isinstance(given, str | int | float) and not isinstance(given, bool)
    if mistake.kind not in {"tuple_type", "list_type", "value"} or not is_one or field is None:
        return ""
    wanted: Any = field.annotation
    for values in _lists_of(given):
        try:
            TypeAdapter(wanted).validate_python(values)
        except ValidationError:  # this list would be refused, too
            continue
        return f"; write {shortened(values, '')}"
    return ""


def _lists_of(given: str | float) -> Iterator[list[Any]]:
    """Yield the lists that one value may stand for: "16,64" or "16 64" is [16, 64]."""
    if not isinstance(given, str):
        yield [given]
        return
    words = [word for word in re.split(r"[\s,;]+", given.strip("()[] ")) if word]
    try:
        values = [parse_yaml(word) for word in words]
    except ValueError:  # words of a text that is no list
        return
    if words:
        yield values
        yield words


def _key(parts: Sequence[str]) -> str:
    """Return the parts of a key as text, places in lists as in compare.arms[0]."""
    return shortened(path_of([int(one) if one.isdecimal() else one for one in parts]), "")


def _no_variant(parts: list[str], value: Any, field: FieldInfo) -> tuple[str, str]:
    told, words = told_apart_by(field), list(variants_of(field))
    assert told is not None, parts
    is_section = isinstance(value, Mapping)
    key = _key([*parts, told.key] if is_section else parts)
    word = value.get(told.key) if is_section else value
    close = difflib.get_close_matches(str(word)[:100], words, 1, cutoff=0.0)[0]
    return key, f" = {shortened(word)}: expected {either(words)}; did you mean {close}?"


def _elsewhere(
    parts: Sequence[str], section: type[BaseModel] | None, model: type[BaseModel]
) -> str:
    """Say which variants of the section have the key, or which key may be meant."""
    *above, last = parts
    parent = "".join(f"{part}." for part in above)
    field = find_field(".".join(above), model)[1] if above else None
    variants = variants_of(field) if field is not None else {}
    own = [word for word, one in variants.items() if one is section]
    owners = [word for word, one in variants.items() if last in fields_of(one)]
    siblings = list(fields_of(section)) if section is not None else []
    if own and owners:
        told = told_apart_by(field) if field is not None else None
        assert told is not None, parts
        near = difflib.get_close_matches(last[:100], siblings, 1)
        meant = f", or did you mean {parent}{near[0]}?" if near else ""
        others = f" in {own[0]}, but in {either(owners)}"
        return f"{others}; set {parent}{told.key}: {owners[0]}{meant}"
    keys = list(dotted_keys(model))
    shown_parent = f"{_key(above)}." if above else ""
    close = [f"{shown_parent}{name}" for name in difflib.get_close_matches(last[:100], siblings, 1)]
    close += [key for key in keys if key.startswith(parent) and _last_word(key) == last]
    close += [key for key in keys if _last_word(key) == last]
    close += difflib.get_close_matches(f"{parent}{last}"[:100], keys, 1, cutoff=0.0)
    return f"; did you mean {close[0]}?" if close else ""


def _last_word(key: str) -> str:
    return key.rpartition(".")[2]


def _field_at(parts: Sequence[str], model: type[BaseModel]) -> FieldInfo:
    field = find_field(".".join(parts), model)[1]
    assert field is not None, parts
    return field
