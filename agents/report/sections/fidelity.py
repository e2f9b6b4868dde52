"""The section on the fidelity check of the dynamics: how far their dreams can be trusted."""

from __future__ import annotations

from agents.arms.registry import ARMS
from agents.report import markdown
from agents.run.records import Run
from worldvae import html
from worldvae.diagnostics.fidelity.rules.evidence import FIDELITY, Fidelity, trusted_words
from worldvae.errors import ArtifactError, WorldvaeError

TITLE = "How far dreams can be trusted"
FULL_CHECK = (
    "All of the check, with its figures: fidelity.html in the folder dynamics, beside this page."
)


def fidelity(run: Run) -> str:
    """Return the verdict and findings of `dynamics/fidelity.json`; "" if there is no such file."""
    try:
        check = _read(run)
    except WorldvaeError as error:
        return html.section("fidelity", TITLE, html.paragraph(str(error)))
    if check is None:
        return ""
    items = [(one.severity, one.found, one.advice) for one in check.findings]
    findings = [html.judged(items)] if items else []
    blocks = [html.paragraph(_verdict(check)), *findings, html.paragraph(FULL_CHECK)]
    return html.section("fidelity", TITLE, *blocks)


def fidelity_text(run: Run) -> str:
    """Return the section in Markdown."""
    try:
        check = _read(run)
    except WorldvaeError as error:
        return markdown.section(TITLE, markdown.escaped(str(error)))
    if check is None:
        return ""
    items = markdown.bullets(f"{one.severity}: {one.found} {one.advice}" for one in check.findings)
    return markdown.section(TITLE, markdown.escaped(_verdict(check)), items, FULL_CHECK)


def untrusted(run: Run) -> list[str]:
    """Return the warning that precedes a verdict about agents of dreams that are unfit.

    The list is empty if dreams can be trusted, were not checked, or if no arm trains in them.
    """
    dreamers = [arm for arm in run.arms if arm in ARMS and ARMS[arm].trains_in_dream]
    try:
        check = _read(run)
    except WorldvaeError:  # the section reports it
        return []
    if not dreamers or check is None or check.verdict != "unfit":
        return []
    reasons = " ".join(one.found for one in check.findings if one.severity == "unfit")
    return [
        f"The dynamics are unfit by their fidelity check. {reasons} Scores of the arm "
        f"{', '.join(dreamers)} tell of this dream and not of whether dreaming helps: follow the "
        f"advice below {TITLE}, learn the dynamics again and compare again."
    ]


def _read(run: Run) -> Fidelity | None:
    """Return the result of the check, None if none was made.

    Raises ArtifactError if its file is damaged.
    """
    folder = run.folder / "dynamics"
    if not FIDELITY.exists(folder):
        return None
    command = f"python -m scripts.dynamics {run.folder / 'config.yaml'}"
    try:
        return FIDELITY.read(folder)
    except WorldvaeError:
        raise ArtifactError(
            f"dynamics/fidelity.json is damaged. Examine the dynamics again: {command}"
        ) from None


def _verdict(check: Fidelity) -> str:
    return f"Verdict: {check.verdict}; {trusted_words(check)}."
