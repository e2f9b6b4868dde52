"""Writes `report.md`: the facts of the HTML page for a terminal, a diff, or a pull request."""

from __future__ import annotations

from agents.report import markdown
from agents.report.sections.differences import differences_text
from agents.report.sections.drift import drift_text
from agents.report.sections.encoder import encoder_text
from agents.report.sections.fidelity import FIDELITY_CHECK, untrusted
from agents.report.sections.health import HEALTH_CHECK, unfit
from agents.report.summary import Summary, unequal
from agents.report.tables.arms import arms_table, normalised_table, seeds_table
from agents.report.tables.costs import costs_seeds_table, costs_table
from agents.report.tables.pairs import AT_BUDGETS, budgets_table, pairs_table
from agents.report.verdict import verdict
from agents.run.records import Run


def render_text(run: Run, summary: Summary, title: str, subtitle: str, command: str) -> str:
    """Return the whole file; `command` is the one that runs what is missing."""
    blocks = (
        f"# {markdown.escaped(title)}",
        markdown.escaped(subtitle),
        markdown.section("Verdict", *map(markdown.escaped, _verdict(run, summary))),
        _holes(run),
        markdown.section("Damaged, left out", markdown.bullets(run.damaged)),
        _unequal(run),
        markdown.section("The arms", markdown.table(arms_table(summary))),
        markdown.section("In pairs", markdown.table(pairs_table(summary))),
        _budgets(summary),
        markdown.section("Normalised scores", markdown.table(normalised_table(summary.normalised)))
        if summary.normalised
        else "",
        encoder_text(run),
        HEALTH_CHECK.text(run),
        FIDELITY_CHECK.text(run),
        drift_text(run),
        markdown.section("What it cost", *_costs(summary)),
        differences_text(run),
        markdown.section("Every seed", markdown.table(seeds_table(run, summary))),
        markdown.section("To do it again", markdown.code(commands(run, command))),
    )
    return "\n\n".join(block for block in blocks if block) + "\n"


def commands(run: Run, command: str) -> list[str]:
    """Return the command for the whole comparison, and those that trained each agent."""
    return [command, *sorted({result.command for result in run.results})]


def _verdict(run: Run, summary: Summary) -> list[str]:
    return [*unfit(run), *untrusted(run), *verdict(summary)]


def _budgets(summary: Summary) -> str:
    table = markdown.table(budgets_table(summary))
    return markdown.section("At equal budgets", AT_BUDGETS, table) if table else ""


def _holes(run: Run) -> str:
    return markdown.section(
        "Not finished", markdown.bullets(f"{hole.where}: {hole.state}" for hole in run.holes)
    )


def _unequal(run: Run) -> str:
    return markdown.section("Not held equal", markdown.bullets(unequal(run.results)))


def _costs(summary: Summary) -> list[str]:
    return [
        block
        for table in (costs_table(summary.costs), costs_seeds_table(summary.costs))
        if (block := markdown.table(table))
    ]
