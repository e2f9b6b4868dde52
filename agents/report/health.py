"""What the health check said of the encoder before any agent was trained."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from agents.report.records import Run
from worldvae import html
from worldvae.diagnostics.evidence import Finding, Verdict
from worldvae.diagnostics.page import MEANINGS

ELSEWHERE = (
    "All of the check, with its figures: health.html in the folder encoder, beside this page."
)


@dataclass(frozen=True)
class Checked:
    """What the report reads of `encoder/health.json`."""

    verdict: Verdict
    findings: tuple[Finding, ...]


def health(run: Run) -> str:
    """Verdict and findings of `encoder/health.json`; '' where there is none."""
    path = run.folder / "encoder" / "health.json"
    if not path.exists():
        return ""
    try:
        found = TypeAdapter(Checked).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        blocks = [html.paragraph("encoder/health.json is damaged. " + _again(run))]
    else:
        blocks = [html.paragraph(_verdict(found)), *_findings(found), html.paragraph(ELSEWHERE)]
    return html.section("health", "Latent health", *blocks)


def _verdict(found: Checked) -> str:
    count = len(found.findings)
    findings = "no finding" if not count else f"{count} finding{'s' if count > 1 else ''}"
    return f"Verdict: {found.verdict}, with {findings}. {MEANINGS[found.verdict]}"


def _findings(found: Checked) -> list[str]:
    items = [(one.severity, one.found, one.advice) for one in found.findings]
    return [html.judged(items)] if items else []


def _again(run: Run) -> str:
    return f"Examine the encoder again: python -m scripts.diagnose {run.folder / 'config.yaml'}"
