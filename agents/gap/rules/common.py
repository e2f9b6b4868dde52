"""What several rules of the gap report use: thresholds, and advice that depends on the report."""

from __future__ import annotations

from agents.gap.gap_file import GapReport
from agents.gap.wording import capitalised
from worldvae.diagnostics.fidelity.rules.ways import WIDER_POLICIES
from worldvae.diagnostics.finding import Severity

SIGNIFICANT = 0.05

WELL = 0.7
"""A rank correlation from which the dream may choose between policies."""

LOST = 0.2
"""The share of the range of real returns that a choice by the dream may lack to the best."""

WIDER = f"collect wider play ({WIDER_POLICIES})"

MORE = "collect more (rollouts.frames), or with an agent that dreamed (dream.rounds)"


def fault(report: GapReport) -> Severity:
    """Return how grave a broken promise is: a note where all dreams begin from one real frame.

    An episode from there may pay more or less than others, in reality as in the dream.
    """
    return "doubtful" if report.starts > 1 else "note"


def ranks_nothing(report: GapReport) -> bool:
    """Return whether reality does not tell the policies apart, so that there is nothing to rank."""
    return report.returns.indifference >= SIGNIFICANT


def wider(report: GapReport, begins: bool = True) -> str:
    """Return advice on what to collect; `begins`: it is the beginning of a sentence."""
    swept = any(one.collected_as == "sweep" for one in report.policies)
    advice = MORE if swept else WIDER
    return capitalised(advice) if begins else advice


def temper(report: GapReport, verb: str) -> str:
    """Return advice on the temperature, unless one was chosen already."""
    if report.temperatures:
        return (
            "No temperature that was tried mends it: see which of reward and ends is wrong "
            "(python -m scripts.dynamics CONFIG)."
        )
    return (
        f"{verb} dream.temperature (now {report.temperature:g}); gap.temperatures chooses one on "
        "validation episodes."
    )
