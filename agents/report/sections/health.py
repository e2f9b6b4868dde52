"""The section on the health check of the encoder."""

from __future__ import annotations

from agents.report.sections.checks import CheckSection
from agents.run.records import Run
from worldvae.diagnostics.page.write import MEANINGS
from worldvae.diagnostics.rules.evidence import HEALTH, Health


def _verdict(check: Health) -> str:
    count = len(check.findings)
    findings = "no finding" if not count else f"{count} finding{'s' if count > 1 else ''}"
    return f"Verdict: {check.verdict}, with {findings}. {MEANINGS[check.verdict]}"


HEALTH_CHECK = CheckSection("health", "Latent health", "encoder", HEALTH, "diagnose", _verdict)


def unfit(run: Run) -> list[str]:
    """Return the warning that precedes a comparison's verdict if its encoder is unfit.

    The list is empty if the encoder is usable.
    """
    reasons = HEALTH_CHECK.reasons(run)
    if reasons is None:
        return []
    return [
        f"The encoder is unfit by its health check. {reasons} Scores of agents on its latents "
        "tell of this encoder and not of whether pretraining helps: follow the advice below "
        f"{HEALTH_CHECK.title}, pretrain again and compare again."
    ]
