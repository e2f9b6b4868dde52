"""One self-contained HTML report on a comparison: no network, no script, opens from the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agents.report import exhibits
from agents.report.differences import differences
from agents.report.films import films
from agents.report.health import health
from agents.report.records import Run
from agents.report.sees import sees
from agents.report.summary import ArmSummary, Summary, unequal
from agents.report.verdict import minutes, verdict
from worldvae import html
from worldvae.files import atomic_write_text
from worldvae.stats import interquartile_mean


def write_report(run: Run, summary: Summary) -> Path:
    """Write `report.html` into the run's folder.

    The bootstrap of its figures has a fixed seed, so the same results give the same page.
    """
    path = run.folder / "report.html"
    atomic_write_text(path, render(run, summary, np.random.default_rng(0)))
    return path


def render(run: Run, summary: Summary, generator: np.random.Generator) -> str:
    """The whole page."""
    sections = (
        html.box("verdict", "verdict", "Verdict", *map(html.paragraph, verdict(summary))),
        _holes(run),
        _unequal(run),
        _arms(summary),
        exhibits.curves(run, generator),
        exhibits.scores(run, summary),
        sees(run),
        exhibits.encoder(run),
        health(run),
        films(run),
        differences(run),
        _reproduce(run),
        (Path(__file__).parent / "method.html").read_text(encoding="utf-8"),
    )
    return html.document("worldvae comparison", run.folder.resolve().name, _lede(run), sections)


def _lede(run: Run) -> str:
    environments = sorted({result.evaluation.env_id for result in run.results})
    total = len({(agent.arm, agent.seed) for agent in run.agents} | set(run.planned))
    finished = f"{len(run.results)} of {total} agents finished"
    return " · ".join([*environments, ", ".join(run.arms) or "no arm yet", finished])


def _holes(run: Run) -> str:
    if not run.holes:
        return ""
    again = "Run the same command again: it skips what is done and goes on with the rest."
    return html.box(
        "notice",
        "holes",
        "Not finished",
        html.bullets(f"{hole.where}: {hole.state}" for hole in run.holes),
        html.paragraph(again),
        html.code(_again(run)),
    )


def _unequal(run: Run) -> str:
    if not (found := unequal(run)):
        return ""
    text = (
        f"The finished agents differ in {', '.join(found)}; the arms are not strictly comparable."
    )
    return html.box("notice", "unequal", "Not held equal", html.paragraph(text))


def _arms(summary: Summary) -> str:
    if not summary.arms:
        return ""
    columns = [_column(summary, arm) for arm in summary.arms]
    rows = [(name, [column[name] for column in columns]) for name in columns[0]]
    names = [arm.arm for arm in summary.arms]
    return html.section("arms", "The arms", html.table(["", *names], rows, kind="arms"))


def _column(summary: Summary, arm: ArmSummary) -> dict[str, html.Cell]:
    """One arm's column of the table: name of the row -> value and remark."""
    show, budget, values = summary.show, summary.budget, arm.values
    interval = summary.interval(arm.iqm.low, arm.iqm.high)
    return {
        "IQM, 95 % interval": (show(arm.iqm.value), interval),
        "seeds": (str(arm.iqm.n), ""),
        "mean ± sd over seeds": (_spread(summary, arm), ""),
        "median": (show(float(np.median(values))), ""),
        "env steps, charge included": (
            f"{arm.total.env_steps:,}",
            f"{arm.charged.env_steps:,} charged" if arm.charged.env_steps else "",
        ),
        "minutes, charge included": (
            minutes(arm.total.seconds),
            f"{minutes(arm.charged.seconds)} charged" if arm.charged.seconds else "",
        ),
        f"IQM at {budget.env_steps:,} env steps in total": _iqm(summary, arm.at_equal_steps),
        f"IQM at {minutes(budget.seconds)} minutes in total": _iqm(summary, arm.at_equal_seconds),
        "parameters trained": (f"{arm.parameters_trained:,}", ""),
        "parameters frozen": (f"{arm.parameters_frozen:,}", ""),
    }


def _spread(summary: Summary, arm: ArmSummary) -> str:
    mean = summary.show(float(arm.values.mean()))
    return f"{mean} ± {summary.show(arm.sd)}" if len(arm.scores) > 1 else mean


def _iqm(summary: Summary, scores: dict[int, float]) -> html.Cell:
    values = list(scores.values())
    return (summary.show(float(interquartile_mean(values))), "") if values else ("n/a", "")


def _reproduce(run: Run) -> str:
    versions = {
        f"{name} {version}" for result in run.results for name, version in result.versions.items()
    }
    blocks = (
        ("Commands", [_again(run), *sorted({result.command for result in run.results})]),
        ("Versions", sorted(versions)),
        ("Configuration, every default written out", run.config.splitlines()),
    )
    shown = [html.details(title, html.code("\n".join(lines))) for title, lines in blocks if lines]
    return html.section("reproduce", "To do it again", *shown) if shown else ""


def _again(run: Run) -> str:
    """The command that makes whatever is missing, from the root of the checkout."""
    return f"python -m scripts.compare {run.folder / 'config.yaml'}"
