"""The section on the health check of the encoder, made before any agent was trained."""

from __future__ import annotations

from agents.report import markdown
from agents.run.records import Run
from worldvae import html
from worldvae.diagnostics.page.write import MEANINGS
from worldvae.diagnostics.rules.evidence import HEALTH, Health
from worldvae.errors import ArtifactError, WorldvaeError

TITLE = "Latent health"
FULL_CHECK = (
    "All of the check, with its figures: health.html in the folder encoder, beside this page."
)


def health(run: Run) -> str:
    """Return the verdict and findings of `encoder/health.json`; "" if there is no such file."""
    try:
        check = _read(run)
    except WorldvaeError as error:
        return html.section("health", TITLE, html.paragraph(str(error)))
    if check is None:
        return ""
    blocks = [html.paragraph(_verdict(check)), *_findings(check), html.paragraph(FULL_CHECK)]
    return html.section("health", TITLE, *blocks)


def health_text(run: Run) -> str:
    """Return the section in Markdown."""
    try:
        check = _read(run)
    except WorldvaeError as error:
        return markdown.section(TITLE, markdown.escaped(str(error)))
    if check is None:
        return ""
    items = markdown.bullets(f"{one.severity}: {one.found} {one.advice}" for one in check.findings)
    return markdown.section(TITLE, markdown.escaped(_verdict(check)), items, FULL_CHECK)


def unfit(run: Run) -> list[str]:
    """Return the warning that precedes a comparison's verdict if its encoder is unfit.

    The list is empty if the encoder is usable.
    """
    try:
        check = _read(run)
    except WorldvaeError:  # the section reports it
        return []
    if check is None or check.verdict != "unfit":
        return []
    reasons = " ".join(one.found for one in check.findings if one.severity == "unfit")
    return [
        f"The encoder is unfit by its health check. {reasons} Scores of agents on its latents "
        "tell of this encoder and not of whether pretraining helps: follow the advice below "
        "Latent health, pretrain again and compare again."
    ]


def _read(run: Run) -> Health | None:
    """Return the result of the check, None if none was made.

    ArtifactError if its file is damaged.
    """
    folder = run.folder / "encoder"
    if not HEALTH.exists(folder):
        return None
    command = f"python -m scripts.diagnose {run.folder / 'config.yaml'}"
    try:
        return HEALTH.read(folder)
    except WorldvaeError:
        raise ArtifactError(
            f"encoder/health.json is damaged. Examine the encoder again: {command}"
        ) from None


def _verdict(check: Health) -> str:
    count = len(check.findings)
    findings = "no finding" if not count else f"{count} finding{'s' if count > 1 else ''}"
    return f"Verdict: {check.verdict}, with {findings}. {MEANINGS[check.verdict]}"


def _findings(check: Health) -> list[str]:
    items = [(one.severity, one.found, one.advice) for one in check.findings]
    return [html.judged(items)] if items else []
