"""The pieces of a Markdown file; every function but `section` escapes the text that it is given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agents.report.tables import Table


def section(title: str, *blocks: str) -> str:
    """Nothing where there is nothing to show."""
    shown = [block for block in blocks if block]
    return "\n\n".join([f"## {title}", *shown]) if shown else ""


def bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {escaped(item)}" for item in items)


def table(content: Table) -> str:
    """A row a line, numbers to the right; a remark stands in brackets."""
    if not content.rows:
        return ""
    lines = [
        [escaped(name) for name in content.header],
        [":--", *["--:"] * (len(content.header) - 1)],
        *([escaped(name), *(_cell(*cell) for cell in cells)] for name, cells in content.rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: str, remark: str) -> str:
    return escaped(f"{value} ({remark})" if remark else value)


def code(lines: Sequence[str]) -> str:
    """Commands as they are, in a fence longer than any run of backticks inside it."""
    text = "\n".join(lines)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}console\n{text}\n{fence}"


def escaped(text: str) -> str:
    """One line that Markdown leaves as it is; an underscore inside a word needs no escape."""
    line = " ".join(text.split())
    return re.sub(r"[\\`*\[\]<>|#~&]|(?<!\w)_|_(?!\w)", r"\\\g<0>", line)
