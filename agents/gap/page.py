"""Writes `gap.html`, the gap between reality and the dream as one self-contained page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from agents.gap.film import FILM
from agents.gap.gap_file import Agreement, GapReport, Measured, PolicyGap, Trust
from agents.gap.rules import number, with_interval
from worldvae import html
from worldvae.diagnostics.rules.findings import percent
from worldvae.files import atomic_write_text
from worldvae.plots import gap as plots

MARKS: dict[Trust, str] = {
    "ranks": "healthy",
    "doubtful": "doubtful",
    "misleads": "unfit",
    "inconclusive": "note",
}
"""The look of each verdict, as the health check has it."""

MEANINGS: dict[Trust, str] = {
    "ranks": "A policy that does better in this dream does better in reality, as far as these "
    "policies show. An agent that trains in it may still find what the dream has wrong: play it "
    "here, too.",
    "doubtful": "The dream is of some use, with the faults below. Mend them before an agent is "
    "trained in it for long.",
    "misleads": "Do not choose or train policies in this dream: it is wrong about what decides "
    "their returns.",
    "inconclusive": "These episodes show neither that the dream ranks policies nor that it does "
    "not. That is no pass: play more, or mend the dream, and look here again.",
}

LABELLED = 5


def write_gap_page(report: GapReport, folder: Path) -> Path:
    """Write `gap.html` into `folder`, with the film there, if any; return its path."""
    page = folder / "gap.html"
    atomic_write_text(page, render_gap(report, folder))
    return page


def render_gap(report: GapReport, folder: Path) -> str:
    """Return the whole page; the same report of the same folder gives the same page."""
    sections = [
        _verdict(report),
        _findings(report),
        _agreement(report),
        _ranking(report),
        _temperatures(report),
        _promises(report),
        _film(folder),
        _measured(report),
    ]
    lede = f"{report.env_id} · {len(report.policies)} policies · temperature {report.temperature:g}"
    title = _title(folder.resolve())
    return html.document("worldvae dream and reality", title, lede, filter(None, sections))


def _title(folder: Path) -> str:
    """Return the name of the run, with that of other dynamics than its own."""
    inside = folder.parent.parts
    return "/".join(inside[inside.index("agents") - 1 :]) if "agents" in inside else inside[-1]


def _verdict(report: GapReport) -> str:
    words = {"ranks": "The dream ranks policies as reality does", "misleads": "The dream misleads"}
    says = words.get(report.verdict, report.verdict.capitalize())
    line = (
        f"{says}. Spearman {with_interval(report.returns.spearman, 2)}; the dream is off by "
        f"{with_interval(report.returns.absolute_error)} a policy, and the policy that it would "
        f"choose lacks {number(report.returns.regret.value)} to the best."
    )
    blocks = html.paragraph(line), html.paragraph(MEANINGS[report.verdict])
    return html.box(f"verdict {MARKS[report.verdict]}", "verdict", "Verdict", *blocks)


def _findings(report: GapReport) -> str:
    if not report.findings:
        return html.section("findings", "Findings", html.paragraph("No rule found anything amiss."))
    items = ((found.severity, found.found, found.advice) for found in report.findings)
    return html.section("findings", "Findings", html.judged(items))


def _agreement(report: GapReport) -> str:
    blue = "Blue: of kinds that were in the rollouts; grey: of kinds that were not; orange: agents."
    explained = "Bars are 95 % intervals over episodes. On the dashed line the dream is right."
    return html.section(
        "agreement",
        "Dream against reality",
        html.beside(
            html.drawing(
                plots.scatter(*_points(report, "return"), "return"),
                "mean return of each policy in the dream over that in reality",
                f"Mean returns of policies. {blue} {explained}",
            ),
            html.drawing(
                plots.scatter(*_points(report, "length"), "decisions"),
                "mean length of each policy's episodes in the dream over that in reality",
                "Mean lengths of episodes: dreams that all end alike lie on a level line.",
            ),
        ),
        html.table(("", *_columns(report)), _agreements(report)),
        html.paragraph(
            "Absolute error, rank correlation and regret@1 as in Fu et al. (2021), with percentile "
            "bootstrap intervals over policies and over the episodes of each. The last row is what "
            "half of reality's episodes rank like the other half: no dream can be expected to do "
            "much better."
        ),
    )


def _columns(report: GapReport) -> list[str]:
    named = [("returns", report.returns), ("lengths", report.lengths)]
    groups = [
        (f"returns, kind {'in' if name == 'collected' else 'not in'} the rollouts", found)
        for name, found in (
            ("collected", report.collected),
            ("not_collected", report.not_collected),
        )
    ]
    return [name for name, found in (*named, *groups) if found is not None]


def _agreements(report: GapReport) -> Iterator[tuple[str, Sequence[html.Cell]]]:
    every = (report.returns, report.lengths, report.collected, report.not_collected)
    shown = [one for one in every if one is not None]
    names = {
        "Absolute error": "absolute_error",
        "Dream minus reality": "bias",
        "Spearman": "spearman",
        "Regret@1": "regret",
        "Regret@1, share of the range": "relative_regret",
    }
    for title, name in names.items():
        digits = 2 if name in {"spearman", "relative_regret"} else None
        yield title, [_cell(getattr(one, name), digits) for one in shown]
    yield "Spearman of reality with itself", [(_ceiling(one), "") for one in shown]


def _ceiling(found: Agreement) -> str:
    return f"{found.ceiling:.2f}"


def _ranking(report: GapReport) -> str:
    by_dream = sorted(report.policies, key=lambda one: -one.dream_return.value)
    places = {one.name: place for place, one in enumerate(by_dream, 1)}
    by_real = sorted(report.policies, key=lambda one: -one.real_return.value)
    rows = [(one.name, _row(one, place, places[one.name])) for place, one in enumerate(by_real, 1)]
    header = ("policy", "rank", "rank dreamed", "return", "dreamed", "decisions", "dreamed")
    kinds = sum(one.collected_as is None for one in report.policies)
    return html.section(
        "ranking",
        "Every policy",
        html.paragraph(
            f"{len(report.policies)} policies, {len(report.policies[0].real.returns)} episodes of "
            f"each in each world; {kinds} are of kinds that were not in the rollouts. Small print: "
            "95 % intervals over episodes."
        ),
        html.table(header, rows),
        html.paragraph(f"Not played: {'; '.join(report.skipped)}.") if report.skipped else "",
    )


def _row(one: PolicyGap, place: int, dreamed: int) -> list[html.Cell]:
    kind = "not in the rollouts" if one.collected_as is None else f"like {one.collected_as}"
    return [
        (str(place), kind if one.whose == "scripted" else "agent"),
        (str(dreamed), ""),
        *(_cell(part) for part in (one.real_return, one.dream_return)),
        _cell(one.real_length, cut=one.real.cut_share),
        _cell(one.dream_length, cut=one.dream.cut_share),
    ]


def _temperatures(report: GapReport) -> str:
    if not report.temperatures:
        return ""
    errors = [one.agreement.absolute_error for one in report.temperatures]
    figure = plots.temperatures(
        np.array([one.temperature for one in report.temperatures]),
        np.array([(error.value, error.low, error.high) for error in errors]),
        report.temperature,
    )
    rows = [
        (
            f"{one.temperature:g}{' (chosen)' if one.temperature == report.temperature else ''}",
            [_cell(one.agreement.absolute_error), _cell(one.agreement.spearman, 2)],
        )
        for one in report.temperatures
    ]
    return html.section(
        "temperature",
        "Temperature",
        html.paragraph(
            f"{report.temperature:g} has the smallest absolute error on validation episodes: other "
            "real seeds, and dreams from the first frames of other held-out episodes than those of "
            "all other numbers on this page. Neither these nor an agent's score chose it."
        ),
        html.beside(
            html.drawing(figure, "error over temperature", "With 95 % intervals; ringed: chosen."),
            html.table(("temperature", "absolute error", "Spearman"), rows),
        ),
    )


def _promises(report: GapReport) -> str:
    agents = dict.fromkeys(one.agent for one in report.promises)
    drawings = []
    for agent in agents:
        points = [one for one in report.promises if one.agent == agent]
        columns = (
            [getattr(one, name) for one in points] for name in ("env_steps", "real", "dream")
        )
        figure = plots.promises(*map(np.array, columns))
        drawings.append(html.drawing(figure, f"return of {agent} over its training", agent))
    if not drawings:
        return ""
    return html.section(
        "exploitation",
        "Exploitation",
        html.paragraph(
            "What the dream promised an agent while it was trained in it (orange: dreams from "
            "held-out first frames, as long as real episodes may last), and what it got in reality "
            "(blue: its evaluations then). A gap that widens is an agent that learns the dream's "
            "faults."
        ),
        html.beside(*drawings),
    )


def _film(folder: Path) -> str:
    path = folder / FILM
    if not path.is_file():
        return ""
    caption = (
        "A held-out episode as it was recorded, and the dream from its first frame with the same "
        "actions, decoded. The dream is one draw: it need not show the same, but the like of it."
    )
    return html.section(
        "film", "One start", html.beside(html.video(path, "Real, dream", caption), layout="film")
    )


def _measured(report: GapReport) -> str:
    versions = "\n".join(f"{name} {version}" for name, version in report.versions.items())
    return html.section(
        "measured",
        "How it was measured",
        html.paragraph(
            f"Both worlds cut an episode after {report.horizon:,} decisions. Dreams begin from the "
            "first frames of test episodes, which neither encoder nor dynamics were trained on; "
            "real episodes from seeds that no training and no evaluation uses. All numbers are in "
            "gap.json beside this page, all episodes in played.jsonl."
        ),
        html.details("The command, to do it again", html.code(report.command)),
        html.details("Versions", html.code(versions)),
    )


def _points(report: GapReport, what: str) -> tuple[list[plots.ScoredPolicy], list[int]]:
    """Return the points of a scatter, and the numbers of those that are named in it."""
    points = [_point(one, what) for one in report.policies]
    real, dream = (np.array([getattr(one, world) for one in points]) for world in ("real", "dream"))
    far = np.argsort(-np.abs(dream - real), kind="stable")
    agents = [number for number, one in enumerate(report.policies) if one.whose == "agent"]
    wanted = [int(real.argmax()), int(dream.argmax()), int(real.argmin()), *agents, *map(int, far)]
    return points, list(dict.fromkeys(wanted))[: LABELLED + len(agents)]


def _point(one: PolicyGap, what: str) -> plots.ScoredPolicy:
    real, dream = (getattr(one, f"{world}_{what}") for world in ("real", "dream"))
    kind = "agent" if one.whose == "agent" else "collected" if one.collected_as else "new"
    bounds = ((measured.low, measured.high) for measured in (real, dream))
    return plots.ScoredPolicy(one.name, kind, real.value, next(bounds), dream.value, next(bounds))


def _cell(found: Measured, digits: int | None = None, cut: float = 0.0) -> html.Cell:
    low, high = (number(one, digits) for one in (found.low, found.high))
    remark = f", {percent(cut)} cut" if cut else ""
    return number(found.value, digits), f"{low} to {high}{remark}"
