"""The section on the health check of the encoder."""

from __future__ import annotations

from agents.report.sections.checks import CheckSection, of
from agents.run.records import Run
from worldvae.diagnostics.page.write import MEANINGS
from worldvae.diagnostics.rules.evidence import HEALTH, Health


def _verdict(check: Health) -> str:
    count = len(check.findings)
    findings = "no finding" if not count else f"{count} finding{'s' if count > 1 else ''}"
    return f"Verdict: {check.verdict}, with {findings}. {MEANINGS[check.verdict]}"


HEALTH_CHECK = CheckSection("health", "Latent health", "encoder", HEALTH, "diagnose", _verdict)


def unfit(run: Run) -> list[str]:
    """Return the warnings that precede a comparison's verdict, one for each unfit encoder."""
    return [
        f"The encoder{of(name)} is unfit by its health check. {reasons} Scores of agents on its "
        "latents tell of this encoder and not of whether pretraining helps: follow the advice "
        f"below {HEALTH_CHECK.title}, pretrain again and compare again."
        for name, reasons in HEALTH_CHECK.unfit(run).items()
    ]
