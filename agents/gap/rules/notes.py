"""The notes of the gap report: what is worth knowing and no fault of the dream."""

from __future__ import annotations

import numpy as np

from agents.gap.gap_file import GapReport, PlayedEpisodes
from agents.gap.rules.common import wider
from agents.gap.wording import with_interval
from worldvae.diagnostics.finding import Finding
from worldvae.wording import percent

MOSTLY_CUT = 0.5

TRUNCATED = 0.05
"""A share of real episodes that end by what dreams do not know, too many to overlook."""

WORSE_ON_NEW = 1.5

LEAST_POLICIES = 20

LEAST_STARTS = 10
"""Frames for dreams to begin from; of nine an interval is a sixth wider than of many."""


def worse_on_new(report: GapReport) -> Finding | None:
    """Find errors beyond those of what was collected, and beyond a true dream's by noise."""
    old, new = report.collected, report.not_collected
    if old is None or new is None:
        return None
    was, now = old.absolute_error, new.absolute_error
    if now.value < WORSE_ON_NEW * was.value or now.low <= max(was.high, new.error_of_noise):
        return None
    return Finding(
        severity="note",
        name="worse_on_new",
        found=f"Policies of kinds that were not in the rollouts are dreamed worse: they are off by "
        f"{with_interval(now)}, the others by {with_interval(was)}.",
        advice=f"{wider(report)}, or let the agent collect (dream.rounds).",
    )


def better_temperature(report: GapReport) -> Finding | None:
    if not report.temperatures or report.temperature == report.configured_temperature:
        return None
    tried = ", ".join(f"{one.temperature:g}" for one in report.temperatures)
    return Finding(
        severity="note",
        name="temperature",
        found=f"On validation episodes {report.temperature:g} is the highest temperature within "
        f"one standard error of the least error (tried: {tried}); the run dreams at "
        f"{report.configured_temperature:g}.",
        advice=f"Set dream.temperature: {report.temperature:g} before an agent is trained.",
    )


def mostly_cut(report: GapReport) -> Finding | None:
    worlds = [one.real for one in report.policies], [one.dream for one in report.policies]
    shares = [
        float(np.mean([_share_cut(played, report.horizon) for played in world])) for world in worlds
    ]
    if max(shares) < MOSTLY_CUT:
        return None
    limited = report.horizon == report.limit
    return Finding(
        severity="note",
        name="cut",
        found=f"Of the episodes {percent(shares[0])} in reality and {percent(shares[1])} in the "
        f"dream did not end by themselves within {report.horizon:,} decisions: returns are those "
        "until then, in both worlds alike.",
        advice="It is the environment's own limit, so there is nothing to change."
        if limited
        else "Raise gap.horizon, if the environment lets episodes last longer.",
    )


def truncated_otherwise(report: GapReport) -> Finding | None:
    """Say that reality truncates episodes sooner, which dreams never do."""
    share = float(np.mean([_share_truncated(one.real, report.horizon) for one in report.policies]))
    if share < TRUNCATED:
        return None
    return Finding(
        severity="note",
        name="truncated_otherwise",
        found=f"Reality truncates {percent(share)} of the episodes before {report.horizon:,} "
        "decisions; dreams know no truncation, last longer there, and are paid for longer.",
        advice="If there is a limit of steps, set gap.horizon to it; if something that happens "
        "truncates (a fall, a border), let the environment return terminated in its place.",
    )


def _share_cut(played: PlayedEpisodes, horizon: int) -> float:
    """Return the share of episodes that were cut at `horizon`, as those of both worlds are."""
    return played.cut_share - _share_truncated(played, horizon)


def _share_truncated(played: PlayedEpisodes, horizon: int) -> float:
    """Return the share of episodes that were truncated before `horizon`."""
    early = np.array(played.lengths) < horizon
    return float((early & np.array(played.cut)).mean())


def few_starts(report: GapReport) -> Finding | None:
    """Say that dreams begin from few frames: intervals are wide, or speak of one frame alone."""
    count = report.starts
    if count >= LEAST_STARTS:
        return None
    alone = "one held-out first frame, and intervals speak of that one alone"
    few = f"only {count} held-out first frames, all policies from the same, so that intervals of "
    return Finding(
        severity="note",
        name="few_starts",
        found=f"Dreams begin from {alone if count == 1 else f'{few}what they promise are wide'}.",
        advice="Collect more episodes (rollouts.frames): one in ten is a test episode, from whose "
        "first frame dreams begin.",
    )


def few_policies(report: GapReport) -> Finding | None:
    count = len(report.policies)
    if count >= LEAST_POLICIES:
        return None
    return Finding(
        severity="note",
        name="few_policies",
        found=f"Only {count} policies played; a rank correlation of so few is uncertain.",
        advice="Set gap.usual: true, or name more in gap.policies.",
    )
