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
    Place,
    bounds_of,
    fields_of,
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
            lines += _described(key, field)
            continue
        words = _variants(key, field) if variants_of(field) else describe(below[0], f"{key}.")
        sections += [f"\n{key}: {field.description}", words]
    return "\n".join(lines + sections)


def _described(key: str, field: FieldInfo) -> tuple[str, str]:
    """Return two lines: the key with its default and bounds, and its meaning."""
    shown = json.dumps(field.get_default(call_default_factory=True), default=str)
    return f"  --{key} (default: {shown}){bounds_of(field)}", f"      {field.description}"


def _variants(key: str, field: FieldInfo) -> str:
    """List the models that the section at `key` can be, and each key with those that have it."""
    told = told_apart_by(field)
    assert told is not None, key
    variants = variants_of(field)
    lines = [f"  --{key}.{told.key} (default: {json.dumps(told.default)}), or for short --{key}"]
    lines += [f"      {word}: {_first_line(model)}" for word, model in variants.items()]
    owners: dict[tuple[str, str], list[str]] = {}
    for word, model in variants.items():
        for name, below in fields_of(model).items():
            if name != told.key:
                owners.setdefault(_described(f"{key}.{name}", below), []).append(word)
    for (head, meaning), words in owners.items():
        of = "" if len(words) == len(variants) else f"; of {', '.join(words)}"
        lines += [f"{head}{of}", meaning]
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
    place = locate([part for part in mistake.location if part != "[key]"], model)
    key, field = _key(place.parts), place.field
    if mistake.kind.startswith("union_tag_"):
        return _no_variant(place, mistake.given)
    if mistake.kind == "extra_forbidden":
        return key, f": no such key{_elsewhere(place, model)}"
    if mistake.kind == "missing":
        meaning = f" ({field.description})" if field and field.description else ""
        return key, f": missing{meaning}"
    is_whole = isinstance(mistake.given, dict | BaseModel) and mistake.kind == "value_error"
    is_section = is_whole and (field is None or bool(sections_of(field)))
    given = "" if is_section else f" = {shortened(mistake.given)}"
    words, as_list = mistake.words, _as_list(mistake, field)
    return key, f"{given}: {words[0].lower()}{words[1:]}{as_list}"


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


def _no_variant(place: Place, value: Any) -> tuple[str, str]:
    told, words = told_apart_by(place.field), list(variants_of(place.field))
    assert told is not None, place
    is_section = isinstance(value, Mapping)
    key = _key([*place.parts, told.key] if is_section else place.parts)
    word = value.get(told.key) if is_section else value
    close = difflib.get_close_matches(str(word)[:100], words, 1, cutoff=0.0)[0]
    return key, f" = {shortened(word)}: expected {either(words)}; did you mean {close}?"


def _elsewhere(place: Place, model: type[BaseModel]) -> str:
    """Say which variants of the section have the key, or which key may be meant."""
    *above, last = place.parts
    parent = "".join(f"{part}." for part in above)
    siblings = list(fields_of(place.section)) if place.section else []
    near = difflib.get_close_matches(last[:100], siblings, 1)
    variants, told = variants_of(place.holder), told_apart_by(place.holder)
    own = [word for word, one in variants.items() if one is place.section]
    owners = [word for word, one in variants.items() if last in fields_of(one)]
    if told and own and owners:
        meant = f", or did you mean {parent}{near[0]}?" if near else ""
        others = f" in {own[0]}, but in {either(owners)}"
        return f"{others}; set {parent}{told.key}: {owners[0]}{meant}"
    keys = list(dotted_keys(model))
    shown_parent = f"{_key(above)}." if above else ""
    close = [key for key in keys if key.startswith(parent) and _last_word(key) == last]
    close += [f"{shown_parent}{name}" for name in near]
    close += [key for key in keys if _last_word(key) == last]
    close += difflib.get_close_matches(f"{parent}{last}"[:100], keys, 1)
    # The section itself is none of its keys: env.frame for env.frame.size.
    names = [key for key in close if not f"{parent}{last}".startswith(f"{key}.")]
    if names:
        return f"; did you mean {names[0]}?"
    if above and siblings:
        return f"; {_key(above)} has {', '.join(siblings)}"
    return "; see --help for all keys"


def _last_word(key: str) -> str:
    return key.rpartition(".")[2]
