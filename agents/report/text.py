"""`report.md`: the facts of the page, for a terminal, a diff, or a pull request."""

from __future__ import annotations

from agents.report import markdown
from agents.report.sections.differences import differences_text
from agents.report.sections.drift import drift_text
from agents.report.sections.exhibits import encoder_text
from agents.report.sections.health import health_text, unfit
from agents.report.summary import Summary, unequal
from agents.report.tables import (
    arms_table,
    costs_seeds_table,
    costs_table,
    normalised_table,
    pairs_table,
    seeds_table,
)
from agents.report.verdict import verdict
from agents.run.records import Run


def render_text(run: Run, summary: Summary, title: str, lede: str, again: str) -> str:
    """The whole file; `again` is the command that makes whatever is missing."""
    blocks = (
        f"# {markdown.escaped(title)}",
        markdown.escaped(lede),
        markdown.section("Verdict", *map(markdown.escaped, [*unfit(run), *verdict(summary)])),
        _holes(run),
        markdown.section("Damaged, left out", markdown.bullets(run.damaged)),
        _unequal(run),
        markdown.section("The arms", markdown.table(arms_table(summary))),
        markdown.section("In pairs", markdown.table(pairs_table(summary))),
        markdown.section("Normalised scores", markdown.table(normalised_table(summary.across)))
        if summary.across
        else "",
        encoder_text(run),
        health_text(run),
        drift_text(run),
        markdown.section("What it cost", *_ledger(summary)),
        differences_text(run),
        markdown.section("Every seed", markdown.table(seeds_table(run, summary))),
        markdown.section("To do it again", markdown.code(repeat(run, again))),
    )
    return "\n\n".join(block for block in blocks if block) + "\n"


def repeat(run: Run, again: str) -> list[str]:
    """The command for all of it, and those that made each agent."""
    return [again, *sorted({result.command for result in run.results})]


def _holes(run: Run) -> str:
    return markdown.section(
        "Not finished", markdown.bullets(f"{hole.where}: {hole.state}" for hole in run.holes)
    )


def _unequal(run: Run) -> str:
    return markdown.section("Not held equal", markdown.bullets(unequal(run)))


def _ledger(summary: Summary) -> list[str]:
    return [
        block
        for table in (costs_table(summary.costs), costs_seeds_table(summary.costs))
        if (block := markdown.table(table))
    ]
