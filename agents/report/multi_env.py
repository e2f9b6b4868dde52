"""Writes the report over several environments, on scores between random play and a reference.

Each environment also has a report of its own.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agents.config.sections import CompareConfig
from agents.report import markdown
from agents.report.claims import claims, undecided_claims
from agents.report.decimals import rate
from agents.report.normalised import NormalisedComparison, compare_normalised, declared_in_all
from agents.report.sections.distribution import normalised_distribution
from agents.report.sections.fidelity import untrusted
from agents.report.sections.health import unfit
from agents.report.tables.arms import normalised_table
from agents.report.tables.table import Table
from agents.run.records import ENOUGH_SEEDS, Run
from worldvae import html
from worldvae.files import atomic_write_text
from worldvae.stats import Estimate, Resampling

HEADER = ("env", "arm", "seed", "normalised")


def write_several(folder: Path, runs: Sequence[Run]) -> Path:
    """Write `scores.csv`, `report.html` and `report.md` over `runs` into `folder`; return the page.

    The runs have the same arms, each in another environment, whose scale the configuration states.
    """
    resampling = Resampling.seeded(0)
    comparison = compare_normalised(runs, resampling)
    atomic_write_text(folder / "scores.csv", _csv(comparison))
    atomic_write_text(folder / "report.md", _markdown(folder, runs, comparison))
    page = folder / "report.html"
    atomic_write_text(page, _page(folder, runs, comparison, resampling))
    return page


def normalised_verdict(
    comparison: NormalisedComparison | None, compare: CompareConfig | None = None
) -> list[str]:
    """Return the verdict over all environments in paragraphs of plain text.

    `compare` is the configuration, which declares comparisons before the run.
    """
    compare = compare or CompareConfig()
    if comparison is None or not comparison.arms:
        return ["No arm has finished in every environment yet, so nothing is put together."]
    scores = ", ".join(f"{arm.arm} {_value(arm.aggregates['IQM'])}" for arm in comparison.arms)
    fewest = min(arm.aggregates["IQM"].n for arm in comparison.arms)
    first = (
        f"IQM of normalised scores over {len(comparison.arms[0].scores)} environments, with "
        f"n = {fewest} seeds or more in each (95 % interval): {scores}."
    )
    stated = [first, *undecided_claims(compare.undecided([arm.arm for arm in comparison.arms]))]
    if not comparison.pairs:
        return [*stated, f"No pair of arms has {ENOUGH_SEEDS} seeds in each: there is no claim."]
    declared, each = len(compare.primary), " in each environment"
    return [*stated, *claims(comparison.pairs, rate, each, declared)]


def _verdict(runs: Sequence[Run], comparison: NormalisedComparison | None) -> list[str]:
    """Return the warnings about unfit encoders and dreams, then the verdict."""
    warnings = [f"{_name(run)}: {text}" for run in runs for text in (*unfit(run), *untrusted(run))]
    return [*warnings, *normalised_verdict(comparison, declared_in_all(runs) if runs else None)]


def environments_table(runs: Sequence[Run]) -> Table:
    """Return a row per environment: both ends of its scale, and the mean return of each arm."""
    arms = list(dict.fromkeys(arm for run in runs for arm in run.arms))
    rows = [(_name(run), (*_scale(run), *(_mean(run, arm) for arm in arms))) for run in runs]
    return Table(("environment", "random play", "reference", *arms), tuple(rows))


def _page(
    folder: Path,
    runs: Sequence[Run],
    comparison: NormalisedComparison | None,
    resampling: Resampling,
) -> str:
    table = html.table(*environments_table(runs))
    sections = [
        html.box("verdict", "verdict", "Verdict", *map(html.paragraph, _verdict(runs, comparison))),
        normalised_distribution(comparison, resampling) if comparison and comparison.arms else "",
        html.section("environments", "Mean return in each environment", table),
        html.section("reports", "Report of each environment", html.bullets(_reports(runs))),
    ]
    subtitle = " · ".join(map(_name, runs))
    return html.document("worldvae comparison", folder.resolve().name, subtitle, sections)


def _markdown(folder: Path, runs: Sequence[Run], comparison: NormalisedComparison | None) -> str:
    blocks = [
        f"# {markdown.escaped(folder.resolve().name)}",
        markdown.section("Verdict", *map(markdown.escaped, _verdict(runs, comparison))),
        markdown.section("Normalised scores", markdown.table(normalised_table(comparison)))
        if comparison
        else "",
        markdown.section("Mean returns", markdown.table(environments_table(runs))),
        markdown.section("Report of each environment", markdown.bullets(_reports(runs))),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _csv(comparison: NormalisedComparison | None) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(HEADER)
    for arm in comparison.arms if comparison else ():
        for env, seeds in arm.scores.items():
            writer.writerows((env, arm.arm, seed, score) for seed, score in seeds.items())
    return table.getvalue()


def _reports(runs: Sequence[Run]) -> list[str]:
    return [f"{_name(run)}: {run.folder.name}/report.html" for run in runs]


def _name(run: Run) -> str:
    """Return the environment's id, or the folder's name until an agent has finished."""
    return run.results[0].evaluation.env_id if run.results else run.folder.name


def _scale(run: Run) -> tuple[html.Cell, html.Cell]:
    scale = next(iter(run.compare.envs.values()), None)
    return (
        ((f"{scale.random_score:g}", ""), (f"{scale.reference_score:g}", ""))
        if scale
        else (("", ""),) * 2
    )


def _mean(run: Run, arm: str) -> html.Cell:
    scores = [result.score for result in run.finished(arm).values()]
    return (f"{np.mean(scores):.4g}", f"n = {len(scores)}") if scores else ("not finished", "")


def _value(estimate: Estimate) -> str:
    if not np.isfinite(estimate.low):
        return rate(estimate.value)
    return f"{rate(estimate.value)} ({rate(estimate.low)} to {rate(estimate.high)})"
