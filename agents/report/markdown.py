"""`report.md`: the facts of the page, for a terminal, a diff, or a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable

from agents.report.records import Run
from agents.report.summary import Summary, unequal
from agents.report.tables import (
    Table,
    arms_table,
    ledger_seeds_table,
    ledger_table,
    normalised_table,
    pairs_table,
    seeds_table,
)
from agents.report.verdict import verdict


def render_markdown(run: Run, summary: Summary, title: str, lede: str, again: str) -> str:
    """The whole file; `again` is the command that makes whatever is missing."""
    blocks = (
        f"# {_text(title)}",
        _text(lede),
        _section("Verdict", *map(_text, verdict(summary))),
        _holes(run),
        _unequal(run),
        _section("The arms", markdown_table(arms_table(summary))),
        _section("In pairs", markdown_table(pairs_table(summary))),
        _section("Normalised scores", markdown_table(normalised_table(summary.across)))
        if summary.across
        else "",
        _section("What it cost", *_ledger(summary)),
        _section("Every seed", markdown_table(seeds_table(run, summary))),
        _section("To do it again", _code(repeat(run, again))),
    )
    return "\n\n".join(block for block in blocks if block) + "\n"


def repeat(run: Run, again: str) -> list[str]:
    """The command for all of it, and those that made each agent."""
    return [again, *sorted({result.command for result in run.results})]


def _holes(run: Run) -> str:
    return _section("Not finished", _bullets(f"{hole.where}: {hole.state}" for hole in run.holes))


def _unequal(run: Run) -> str:
    return _section("Not held equal", _bullets(unequal(run)))


def _ledger(summary: Summary) -> list[str]:
    return [
        block
        for table in (ledger_table(summary.ledgers), ledger_seeds_table(summary.ledgers))
        if (block := markdown_table(table))
    ]


def _section(title: str, *blocks: str) -> str:
    """Nothing where there is nothing to show."""
    shown = [block for block in blocks if block]
    return "\n\n".join([f"## {title}", *shown]) if shown else ""


def _bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {_text(item)}" for item in items)


def markdown_table(table: Table) -> str:
    """A row a line, numbers to the right; a remark stands in brackets."""
    if not table.rows:
        return ""
    lines = [
        [_text(name) for name in table.header],
        [":--", *["--:"] * (len(table.header) - 1)],
        *([_text(name), *(_cell(*cell) for cell in cells)] for name, cells in table.rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: str, remark: str) -> str:
    return _text(f"{value} ({remark})" if remark else value)


def _code(lines: list[str]) -> str:
    """A fence longer than any run of backticks inside it."""
    text = "\n".join(lines)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}console\n{text}\n{fence}"


def _text(text: str) -> str:
    """One line that Markdown leaves as it is; an underscore inside a word needs no escape."""
    line = " ".join(text.split())
    return re.sub(r"[\\`*\[\]<>|#~&]|(?<!\w)_|_(?!\w)", r"\\\g<0>", line)
