"""Builds the parts of a Markdown file; all functions but `section` escape the given text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agents.report.tables.table import Table
from worldvae import markdown


def section(title: str, *blocks: str) -> str:
    """Return a section with the non-empty `blocks`, or "" if there is none."""
    shown = [block for block in blocks if block]
    return "\n\n".join([f"## {title}", *shown]) if shown else ""


def bullets(items: Iterable[str]) -> str:
    return markdown.bullets(map(escaped, items))


def table(content: Table) -> str:
    """Return a Markdown table with right-aligned values and their remarks in brackets."""
    if not content.rows:
        return ""
    rows = ([escaped(name), *(_cell(*cell) for cell in cells)] for name, cells in content.rows)
    return markdown.table([escaped(name) for name in content.header], rows, numeric=True)


def _cell(value: str, remark: str) -> str:
    return escaped(f"{value} ({remark})" if remark else value)


def code(lines: Sequence[str]) -> str:
    """Return lines as a code block, in a fence longer than any run of backticks inside it."""
    text = "\n".join(lines)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}console\n{text}\n{fence}"


def escaped(text: str) -> str:
    """Return `text` as one line that Markdown shows unchanged.

    An underscore inside a word needs no escape, nor does a less-than sign between spaces.
    """
    line = " ".join(text.split())
    return re.sub(r"[\\`*\[\]>|#~&]|<(?! )|(?<!\w)_|_(?!\w)", r"\\\g<0>", line)
