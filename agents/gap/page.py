"""Writes `gap.html`, the gap between reality and the dream as one self-contained page."""

from __future__ import annotations

from pathlib import Path

from agents.gap import sections
from agents.gap.film import FILM
from agents.gap.gap_file import GapReport, Trust
from agents.gap.wording import headline
from worldvae import html
from worldvae.diagnostics.page import parts
from worldvae.files import atomic_write_text

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


PAGE = "gap.html"


def write_gap_page(report: GapReport, folder: Path) -> Path:
    """Write `gap.html` into `folder`, with the film there, if any; return its path."""
    page = folder / PAGE
    atomic_write_text(page, render_gap(report, folder))
    return page


def render_gap(report: GapReport, folder: Path) -> str:
    """Return the whole page; the same report of the same folder gives the same page."""
    shown = [
        _verdict(report),
        parts.findings(report.findings),
        sections.agreement_section(report),
        sections.ranking_section(report),
        sections.temperature_section(report),
        sections.exploitation_section(report),
        _film(folder),
        _measured(report),
    ]
    lede = f"{report.env_id} · {len(report.policies)} policies · temperature {report.temperature:g}"
    title = _title(folder.resolve())
    return html.document("worldvae dream and reality", title, lede, filter(None, shown))


def _title(folder: Path) -> str:
    """Return the name of the run, with that of other dynamics than its own."""
    inside = folder.parent.parts
    return "/".join(inside[inside.index("agents") - 1 :]) if "agents" in inside else inside[-1]


def _verdict(report: GapReport) -> str:
    return parts.verdict(MARKS[report.verdict], headline(report), MEANINGS[report.verdict])


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
    return parts.measured(
        html.paragraph(
            f"Both worlds cut an episode after {report.horizon:,} decisions. Dreams begin from the "
            f"first frames of {report.starts:,} test episodes, which neither encoder nor dynamics "
            "were trained on; real episodes from seeds that no training and no evaluation uses. "
            "All numbers are in gap.json beside this page, all episodes in played.jsonl."
        ),
        command=report.command,
        versions=report.versions,
    )
