"""Writes the report of a comparison as one self-contained HTML page, without scripts."""

from __future__ import annotations

from pathlib import Path

from agents.report.sections.curves import curves
from agents.report.sections.differences import differences
from agents.report.sections.distribution import distribution
from agents.report.sections.drift import drift
from agents.report.sections.encoder import encoder
from agents.report.sections.explorer import explorer
from agents.report.sections.fidelity import FIDELITY_CHECK, untrusted
from agents.report.sections.films import films
from agents.report.sections.health import HEALTH_CHECK, unfit
from agents.report.sections.observations import observations
from agents.report.sections.scores import scores
from agents.report.summary import Summary, unequal
from agents.report.tables.arms import arms_table
from agents.report.tables.costs import costs_seeds_table, costs_table
from agents.report.tables.pairs import AT_BUDGETS, budgets_table, pairs_table
from agents.report.text import commands, render_text
from agents.report.verdict import verdict
from agents.run.records import Run
from agents.run.stages import SHARED, activities
from worldvae import html
from worldvae.files import atomic_write_text
from worldvae.stats import Resampling


def write_report(run: Run, summary: Summary) -> Path:
    """Write `report.html` and `report.md` into the run's folder; return the path of the page.

    The bootstrap of its figures has a fixed seed, so the same results give the same page.
    """
    path = run.folder / "report.html"
    atomic_write_text(path, render(run, summary, Resampling.seeded(0)))
    text = render_text(run, summary, _title(run), _subtitle(run), _command(run))
    atomic_write_text(path.with_suffix(".md"), text)
    return path


def render(run: Run, summary: Summary, resampling: Resampling) -> str:
    """Return the page as HTML."""
    sections = (
        _verdict(run, summary),
        _holes(run),
        _damaged(run),
        _unequal(run),
        _arms(summary),
        curves(run, resampling),
        scores(run, summary),
        distribution(summary, resampling),
        observations(run),
        encoder(run),
        HEALTH_CHECK.page(run),
        FIDELITY_CHECK.page(run),
        drift(run),
        films(run),
        explorer(run),
        _costs(summary),
        differences(run),
        _reproduction(run),
        (Path(__file__).parent / "method.html").read_text(encoding="utf-8"),
    )
    return html.document("worldvae comparison", _title(run), _subtitle(run), sections)


def _verdict(run: Run, summary: Summary) -> str:
    paragraphs = [*unfit(run), *untrusted(run), *verdict(summary)]
    return html.box("verdict", "verdict", "Verdict", *map(html.paragraph, paragraphs))


def _title(run: Run) -> str:
    return run.folder.resolve().name


def _subtitle(run: Run) -> str:
    environments = sorted({result.evaluation.env_id for result in run.results})
    total = len({(agent.arm, agent.seed) for agent in run.agents} | set(run.planned))
    finished = f"{len(run.results)} of {total} agents finished"
    return " · ".join([*environments, ", ".join(run.arms) or "no arm yet", finished])


def _holes(run: Run) -> str:
    if not run.holes:
        return ""
    advice = "Run the same command again: it skips what is done and goes on with the rest."
    return html.box(
        "notice",
        "holes",
        "Not finished",
        html.bullets(f"{hole.where}: {hole.state}" for hole in run.holes),
        html.paragraph(advice),
        html.code(_command(run)),
    )


def _damaged(run: Run) -> str:
    if not run.damaged:
        return ""
    return html.box("notice", "damaged", "Damaged, left out", html.bullets(run.damaged))


def _unequal(run: Run) -> str:
    if not (differing := unequal(run.results)):
        return ""
    names = ", ".join(differing)
    text = f"The finished agents differ in {names}; the arms are not strictly comparable."
    return html.box("notice", "unequal", "Not held equal", html.paragraph(text))


def _arms(summary: Summary) -> str:
    if not summary.arms:
        return ""
    return html.section(
        "arms",
        "The arms",
        html.table(*arms_table(summary), kind="arms"),
        _pairs(summary),
        _budgets(summary),
    )


def _pairs(summary: Summary) -> str:
    return html.table(*pairs_table(summary)) if summary.pairs else ""


def _budgets(summary: Summary) -> str:
    table = budgets_table(summary)
    return html.paragraph(AT_BUDGETS) + html.table(*table) if table.rows else ""


def _costs(summary: Summary) -> str:
    if not summary.costs:
        return ""
    text = (
        f"The mean over the seeds of each arm. What {activities(*SHARED)} took is counted in full "
        "for each arm that needs it; evaluations are charged to none, nor are they in the CPU "
        "minutes. Memory is the peak of resident memory, child processes included."
    )
    return html.section(
        "arm_costs",
        "What it cost",
        html.paragraph(text),
        html.table(*costs_table(summary.costs), kind="arms"),
        html.details("Every seed", html.table(*costs_seeds_table(summary.costs))),
    )


def _reproduction(run: Run) -> str:
    versions = {
        f"{name} {version}" for result in run.results for name, version in result.versions.items()
    }
    blocks = (
        ("Commands", commands(run, _command(run))),
        ("Versions", sorted(versions)),
        ("Configuration, every default written out", run.config.splitlines()),
    )
    shown = [html.details(title, html.code("\n".join(lines))) for title, lines in blocks if lines]
    return html.section("reproduce", "To do it again", *shown) if shown else ""


def _command(run: Run) -> str:
    """Return the command that runs what is missing, from the root of the checkout."""
    return f"python -m scripts.compare {run.folder / 'config.yaml'}"
