"""The section on the fidelity check of the dynamics: how far their dreams can be trusted."""

from __future__ import annotations

from agents.report.sections.checks import CheckSection, of
from agents.run.records import Run
from worldvae.diagnostics.fidelity.rules.evidence import FIDELITY, Fidelity, trusted_words


def _verdict(check: Fidelity) -> str:
    return f"Verdict: {check.verdict}; {trusted_words(check)}."


FIDELITY_CHECK = CheckSection(
    "fidelity", "How far dreams can be trusted", "dynamics", FIDELITY, "dynamics", _verdict
)


def untrusted(run: Run) -> list[str]:
    """Return the warnings that precede a verdict about agents of dreams that are unfit.

    There is one for the dynamics of each encoder; none if dreams can be trusted, were not checked,
    or if no arm trains in them.
    """
    dreamers = [arm.name for arm in run.rows if arm.trains_in_dream]
    if not dreamers:
        return []
    return [
        f"The dynamics{of(name)} are unfit by their fidelity check. {reasons} Scores of the arm "
        f"{', '.join(dreamers)} tell of this dream and not of whether dreaming helps: follow the "
        f"advice below {FIDELITY_CHECK.title}, learn the dynamics again and compare again."
        for name, reasons in FIDELITY_CHECK.unfit(run).items()
    ]
