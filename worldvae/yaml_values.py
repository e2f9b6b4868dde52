"""YAML as people mean it, and no more of it than a configuration needs.

PyYAML reads YAML 1.1, where `12:30` is 750, `010` is 8, `2026-02-30` a broken date, `1e-3` a word.
Here numbers are decimal, as in YAML 1.2, and dates are text.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

LONGEST = 1_000_000
"""The largest number of characters in a text."""

DEEPEST = 30
"""The largest number of levels of lists and mappings."""

MOST = 100_000
"""The largest number of values, where those that an alias repeats count each time."""

DIGITS = 40
"""The largest number of digits in an integer, more than any key needs."""

MISTAKES = {
    r"'\t'": "a tab; indent with spaces",
    "mapping values are not allowed": "a `: ` that no key can have here; look at the spaces before "
    "this line and the one above, or put quotes around a text with `: `",
    "<stream end>": "a bracket or a quote is opened and not closed",
    "unexpected end of stream": "a bracket or a quote is opened and not closed",
    "expected ',' or": "a bracket is not closed, or a comma is missing",
    "expected <block end>": "a line that does not belong to the section above it; look at the "
    "spaces before it",
    "could not find expected ':'": "a line without `: ` after its key",
    "expected '<document start>'": "neither a `key: value` line nor a part of what is above it",
    "but found another document": "a second document, after `---`; keep one",
    "could not determine a constructor": "a tag, `!...`, which is not read here",
    "unhashable key": "a list or a section in the place of a key",
    "undefined alias": "an alias, `*...`, of an anchor that is not there; put quotes around a text "
    "that begins with `*`",
    "cannot start any token": "a character that nothing can begin with; put quotes around the text",
}
"""A part of what PyYAML says, and what is wrong then."""

_NUMBERS = list("-+.0123456789")
_KINDS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (
        r"true|True|TRUE|false|False|FALSE|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF",
        list("tTfFyYnNoO"),
    ),
    "int": (r"[-+]?\d[\d_]*|0x[0-9a-fA-F]+|0o[0-7]+", _NUMBERS),
    "float": (
        r"[-+]?(\d[\d_]*\.[\d_]*|\.\d[\d_]*)([eE][-+]?\d+)?|[-+]?\d[\d_]*[eE][-+]?\d+"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        _NUMBERS,
    ),
    "merge": (r"<<", ["<"]),
}


class _Loader(yaml.SafeLoader):
    """A loader that refuses more than MOST values, more than DEEPEST levels, and repeated keys."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # PyYAML's own form
    yaml_constructors = {  # noqa: RUF012
        tag: make
        for tag, make in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in {*_KINDS, "str", "seq", "map"}
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth, self._count = 0, 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        is_alias = self.check_event(yaml.AliasEvent)
        before, self._depth = self._count, self._depth + 1
        if self._depth > DEEPEST:
            raise ValueError(f"more than {DEEPEST} levels deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        if is_alias and id(node) not in self._sizes:
            raise ValueError("an alias stands for what it is a part of")
        self._count += self._sizes[id(node)] if is_alias else 1
        if self._count > MOST:
            raise ValueError(f"more than {MOST:,} values")
        self._sizes.setdefault(id(node), self._count - before)
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        first = dict[str, int]()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if key.value in first:
                lines = f" (lines {first[key.value]} and {line})" if line > 1 else ""
                raise ValueError(f"{key.value[:40]!r} is said twice{lines}; keep one of them")
            first[key.value] = line
        return node

    def construct_number(self, node: Any) -> int:
        text = self.construct_scalar(node).replace("_", "")
        if len(text) > DIGITS:
            raise ValueError(f"a number of {len(text):,} digits")
        return int(text, 0) if text[:2] in {"0x", "0o"} else int(text)


class _LineLoader(_Loader):
    """A loader for values on the command line, which refuses comments in place of dropping them."""

    def scan_to_next_token(self) -> None:
        ahead = 0
        while self.peek(ahead) in " \t\r\n":
            ahead += 1
        if self.peek(ahead) == "#":
            raise ValueError("`#` begins a comment; put quotes around a text that holds it")
        super().scan_to_next_token()


class _Dumper(yaml.SafeDumper):
    """A dumper that quotes text which YAML 1.1 or 1.2 would read as another type."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML's own form
        letter: list(kinds) for letter, kinds in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }


for _kind, (_pattern, _letters) in _KINDS.items():
    for _class in (_Loader, _Dumper):
        _tag = f"tag:yaml.org,2002:{_kind}"
        _class.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), _letters)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_number)


def parse_yaml(text: str, comments: bool = True) -> Any:
    """Return the value of the YAML `text`; raise ValueError with a reason of one line if invalid.

    If `comments` is False, a comment is an error too.
    """
    if len(text) > LONGEST:
        raise ValueError(f"more than {LONGEST:,} characters")
    try:
        value = yaml.load(text, Loader=_Loader if comments else _LineLoader)
    except yaml.MarkedYAMLError as error:
        raise ValueError(_in_words(error, text)) from None
    except yaml.reader.ReaderError as error:
        raise ValueError(
            f"it holds the character U+{error.character:04X}, so it is no text file"
        ) from None
    except Exception as error:  # noqa: BLE001  # PyYAML raises whatever a strange tag provokes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(reason) from None
    _check_text(value)
    return value


def _in_words(error: yaml.MarkedYAMLError, text: str) -> str:
    """Say where a mistake of YAML is, and what it is as people make it."""
    problem = " ".join((error.problem or error.context or "").split())
    mark = error.problem_mark or error.context_mark
    words = next((words for begin, words in MISTAKES.items() if begin in problem), problem)
    if mark is None or "\n" not in text.strip():
        return words
    return f"line {mark.line + 1}: {words}"


def dump_yaml(values: Any) -> str:
    """Return `values` as YAML, keys in their order; `parse_yaml` reads it back."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False)


def _check_text(value: Any) -> None:
    """Raise ValueError for null characters and halves of surrogate pairs in any text."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ValueError("a character that is no text")
    elif isinstance(value, dict):
        for key, below in value.items():
            _check_text(key)
            _check_text(below)
    elif isinstance(value, list | tuple | set):
        for below in value:
            _check_text(below)
