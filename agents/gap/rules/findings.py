"""The conclusions of the gap report: one rule for each possible fault, with its threshold."""

from __future__ import annotations

from collections.abc import Callable

from agents.gap.gap_file import GapReport, Trust
from agents.gap.rules.amounts import (
    flatters_agents,
    flatters_all,
    learned_faults,
    off,
    off_lengths,
)
from agents.gap.rules.common import ranks_nothing
from agents.gap.rules.notes import (
    better_temperature,
    few_policies,
    few_starts,
    mostly_cut,
    truncated_otherwise,
    worse_on_new,
)
from agents.gap.rules.ranking import (
    chooses_badly,
    inverted_ranking,
    nothing_to_rank,
    unknown_ranking,
    weak_ranking,
)
from worldvae.diagnostics.finding import Finding, apply, gravest, gravest_first

Rule = Callable[[GapReport], Finding | None]

RULES: tuple[Rule, ...] = (
    nothing_to_rank,
    unknown_ranking,
    inverted_ranking,
    weak_ranking,
    chooses_badly,
    off,
    off_lengths,
    flatters_agents,
    flatters_all,
    learned_faults,
    worse_on_new,
    better_temperature,
    truncated_otherwise,
    mostly_cut,
    few_policies,
    few_starts,
)


def find_gaps(report: GapReport) -> tuple[Finding, ...]:
    """Return all findings, the gravest first."""
    return gravest_first(apply(RULES, report))


def judge(report: GapReport, findings: tuple[Finding, ...]) -> Trust:
    """Return the verdict: whether policies may be chosen, and trained, in this dream.

    inconclusive: neither that it ranks policies nor that it does not is shown.
    """
    worst = gravest(findings)
    if worst == "unfit":  # as ends that come too early, whatever policies are ranked
        return "misleads"
    if ranks_nothing(report):
        return "inconclusive"
    if report.returns.spearman.low <= 0 <= report.returns.spearman.high:
        return "inconclusive"
    return worst or "ranks"
