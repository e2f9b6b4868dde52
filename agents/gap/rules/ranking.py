"""The rules of the gap report on ranks: whether the dream may choose between policies."""

from __future__ import annotations

import numpy as np

from agents.gap.gap_file import GapReport
from agents.gap.rules.common import LOST, SIGNIFICANT, WELL, ranks_nothing, wider
from agents.gap.wording import number, with_interval
from worldvae.diagnostics.finding import Finding
from worldvae.wording import percent


def nothing_to_rank(report: GapReport) -> Finding | None:
    p = report.returns.indifference
    if p < SIGNIFICANT:
        return None
    return Finding(
        severity="doubtful",
        name="nothing_to_rank",
        found=f"Reality does not tell the {len(report.policies)} policies apart (Kruskal and "
        f"Wallis: p = {p:.2g}): there is nothing that a dream could rank.",
        advice="Play more episodes (gap.episodes), or policies that differ more (gap.policies, "
        "gap.agents).",
    )


def unknown_ranking(report: GapReport) -> Finding | None:
    found = report.returns.spearman
    if ranks_nothing(report) or not found.low <= 0 <= found.high:
        return None
    return Finding(
        severity="doubtful",
        name="unknown_ranking",
        found="Whether the dream ranks policies at all is not shown: Spearman "
        f"{with_interval(found, 2)} includes 0. Reality ranks itself at "
        f"{report.returns.ceiling:.2f}.",
        advice=f"{wider(report)} and learn the dynamics anew; or play more policies and episodes "
        "(gap.policies, gap.episodes).",
    )


def inverted_ranking(report: GapReport) -> Finding | None:
    found = report.returns.spearman
    if found.high >= 0 or ranks_nothing(report):
        return None
    return Finding(
        severity="unfit",
        name="inverted_ranking",
        found=f"The dream ranks policies the wrong way round: Spearman {with_interval(found, 2)}.",
        advice="Do not train in it. Look at the fidelity of reward and ends first (python -m "
        f"scripts.dynamics CONFIG), then {wider(report, False)}.",
    )


def weak_ranking(report: GapReport) -> Finding | None:
    """Find a dream that ranks policies roughly, or episodes too few to show that it ranks well."""
    found, ceiling = report.returns.spearman, report.returns.ceiling
    if found.low <= 0 or found.value >= WELL or ranks_nothing(report):
        return None
    is_noise = found.value >= ceiling
    itself = "itself no better, at" if is_noise else "itself at"
    return Finding(
        severity="doubtful",
        name="weak_ranking",
        found=f"The dream ranks policies only roughly: Spearman {with_interval(found, 2)}, where "
        f"reality ranks {itself} {ceiling:.2f}.",
        advice="Play more episodes (gap.episodes): of so few no dream can be expected to rank "
        "policies better."
        if is_noise
        else f"{wider(report)}, or raise dynamics.own_samples.",
    )


def chooses_badly(report: GapReport) -> Finding | None:
    """Find a dream whose best policy lacks more than LOST to reality's best, noise aside.

    A rank correlation hardly sees it: one policy of many is out of its place.
    """
    lost = report.returns.choice
    if lost.low <= LOST or ranks_nothing(report):
        return None
    promised = max(one.dream_return.value for one in report.policies)
    liked = [one for one in report.policies if one.dream_return.value == promised]
    name = liked[0].name if len(liked) == 1 else f"{len(liked)} policies equally"
    gets = float(np.mean([one.real_return.value for one in liked]))
    best = max(report.policies, key=lambda one: one.real_return.value)
    interval = f"95 %: {percent(lost.low)} to {percent(lost.high)}"
    return Finding(
        severity="doubtful",
        name="chooses_badly",
        found=f"The dream chooses badly: it likes {name} best, with {number(gets)} in reality, "
        f"where {best.name} gets {number(best.real_return.value)}. That loses "
        f"{percent(lost.value)} ({interval}) of the range.",
        advice="Play the dream's best in reality before it is chosen. "
        f"{wider(report)}, so that the dream learns what it has wrong.",
    )
