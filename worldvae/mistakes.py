"""What is wrong with a value that a model refuses, in words for people who do not know Pydantic."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

KINDS = {
    "bool": "true or false",
    "dict": "keys below it, {key: value}",
    "finite_number": "a finite number",
    "float": "a number",
    "int": "a whole number",
    "list": "a list, [value, value]",
    "mapping": "keys below it, {key: value}",
    "model": "keys below it, {key: value}",
    "model_attributes": "keys below it, {key: value}",
    "path": "a path",
    "str": "text",
    "string": "text",
    "tuple": "a list, [value, value]",
}
"""A type, as Pydantic's errors and the branches of unions begin, and what a file holds for it."""

LIMITS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
ENDS = re.compile(r"_(type|parsing|parsing_size|from_float|unicode)$")
BRANCH = re.compile(r"int|float|str|bool|none|[a-z-]+\[.*\]", re.DOTALL)


@dataclass(frozen=True)
class Mistake:
    """The first mistake that a model found.

    Args:
        location: Where it is: keys, and numbers of places in lists.
        kind: Pydantic's name of it.
        given: The value there.
        words: What is wrong with it, as in "expected a whole number".
    """

    location: tuple[str | int, ...]
    kind: str
    given: Any
    words: str

    @classmethod
    def of(cls, error: ValidationError) -> Mistake:
        """Return the first mistake; one in a value of several types speaks of all of them."""
        every = error.errors(include_url=False)
        first = every[0]
        place, branch = _split(first["loc"])
        if branch is None:
            if first["type"] == "missing" and isinstance(place[-1], int):  # too short a list
                return cls(place[:-1], "value", first["input"], _words(first))
            return cls(place, first["type"], first["input"], _words(first))
        branches = [one for one in every if _split(one["loc"])[0] == place]
        for one in branches:  # one of the right type says more than those of other types
            if ENDS.sub("", one["type"]) not in KINDS:
                return cls(place, "value", one["input"], _words(one))
        kinds = dict.fromkeys(KINDS[ENDS.sub("", one["type"])] for one in branches)
        return cls(place, "value", min(branches, key=_depth)["input"], _expected(list(kinds)))

    def __str__(self) -> str:
        """Return place and words, for a file that worldvae wrote."""
        return f"{path_of(self.location)}: {self.words}".removeprefix(": ")


def path_of(location: Sequence[str | int]) -> str:
    """Return a location as text: ("arms", 0) is arms[0]."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def either(words: Sequence[str]) -> str:
    """Return ["a", "b", "c"] as "a, b or c"."""
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def nearest(word: object, words: Sequence[str]) -> str:
    """Return "; did you mean X?" for the nearest of `words`, or nothing if none is near."""
    plain = {one.casefold(): one for one in words}
    close = difflib.get_close_matches(str(word)[:100].casefold(), plain, 1)
    return f"; did you mean {plain[close[0]]}?" if close else ""


def _split(location: tuple[str | int, ...]) -> tuple[tuple[str | int, ...], str | None]:
    """Split off what Pydantic adds to the place of a value that has one of several types."""
    for index, part in enumerate(location):
        if index and isinstance(part, str) and BRANCH.fullmatch(part) and part != "[key]":
            return location[:index], part
    return location, None


def _depth(error: ErrorDetails) -> int:
    return len(error["loc"])


def _words(error: ErrorDetails) -> str:
    kind = ENDS.sub("", error["type"])
    if kind in KINDS:
        return _expected([KINDS[kind]])
    return SAID.get(error["type"], _own_words)(error)


def _limit(error: ErrorDetails) -> str:
    word, name = LIMITS[error["type"]]
    limit = error["ctx"][name]
    return f"expected {word} {limit:g}" if isinstance(limit, float) else f"expected {word} {limit}"


def _choice(error: ErrorDetails) -> str:
    told = error["ctx"]["expected"]
    choices = re.findall(r"'([^']*)'", told)
    return f"expected {either(choices or [told])}{nearest(error['input'], choices)}"


def _missing(error: ErrorDetails) -> str:
    place = error["loc"][-1] if error["loc"] else ""
    return f"expected at least {_values(place + 1)}" if isinstance(place, int) else "missing"


def _own_words(error: ErrorDetails) -> str:
    """Return what a validator of ours says, or Pydantic on what is seldom wrong."""
    message = " ".join(error["msg"].removeprefix("Value error, ").split())
    return re.sub("^Input should be ", "expected ", message)


SAID: dict[str, Callable[[ErrorDetails], str]] = {
    **dict.fromkeys(LIMITS, _limit),
    "literal_error": _choice,
    "too_short": lambda error: f"expected at least {_values(error['ctx']['min_length'])}",
    "too_long": lambda error: f"expected at most {_values(error['ctx']['max_length'])}",
    "string_too_short": lambda _: "expected text, not nothing",
    "string_too_long": lambda error: f"expected at most {error['ctx']['max_length']} characters",
    "missing": _missing,
    "extra_forbidden": lambda _: "no such key",
}


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"


def _expected(kinds: Sequence[str]) -> str:
    return f"expected {either(kinds)}"
