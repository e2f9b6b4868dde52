"""Tables and lists in Markdown, of cells and items that are Markdown already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]], numeric: bool = False) -> str:
    """Return a table; if it is `numeric`, all columns but the first are aligned to the right.

    A bar that would end its cell is escaped.
    """
    rule = [":--", *["--:"] * (len(header) - 1)] if numeric else ["---"] * len(header)
    lines = ([re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in line] for line in (header, *rows))
    head, *body = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([head, f"| {' | '.join(rule)} |", *body])


def bullets(items: Iterable[str]) -> str:
    """Return a list of the `items`."""
    return "\n".join(f"- {item}" for item in items)
