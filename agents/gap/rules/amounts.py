"""The rules of the gap report on how much dreams promise: returns and lengths."""

from __future__ import annotations

import numpy as np

from agents.gap.gap_file import GapReport, Measured
from agents.gap.rules.common import LOST, WELL, fault, ranks_nothing, temper, wider
from agents.gap.wording import number, span, with_interval
from worldvae.diagnostics.finding import Finding
from worldvae.stats import Array

OFF_LENGTH = 0.75
"""A ratio of lengths beyond which (or beyond its inverse) dreams end too early or too late."""

SAME_LENGTH = 0.25
"""Dreamed lengths that vary between policies by less than this share of what real ones do."""

FLATTERY = 0.2
"""The share of the range of all policies' real returns by which an agent may be flattered.

No share of the agent's own return: that depends on where an environment has put its zero.
"""

BIASED = 0.5
"""The share of the deviation between policies by which the dream may flatter all of them."""


def off(report: GapReport) -> Finding | None:
    """Find returns that are promised worse than by one number, reality's mean, for all policies.

    Noise makes means of few episodes differ from true ones; that much is no fault of the dream.
    """
    found = report.returns
    excused = found.error_of_mean + found.error_of_noise
    if found.absolute_error.low <= excused or ranks_nothing(report):
        return None
    ranks = found.spearman.low > 0 and found.spearman.value >= WELL and found.choice.low <= LOST
    use = "Use it to choose between policies, and believe" if ranks else "Believe"
    return Finding(
        severity=fault(report),
        name="off",
        found=f"What the dream promises is off by {with_interval(found.absolute_error)} a policy: "
        f"reality's mean, promised to all of them, is off by {number(found.error_of_mean)}.",
        advice=f"{use} no return that it promises. See which of reward and ends is wrong (python "
        "-m scripts.dynamics CONFIG).",
    )


def off_lengths(report: GapReport) -> Finding | None:
    """Find dreams that end too early or too late, whatever the policy does or on average."""
    real, dream = _lengths(report)
    ratio = float(dream.mean() / real.mean())
    found = report.lengths.bias
    if OFF_LENGTH < ratio < 1 / OFF_LENGTH or found.low <= 0 <= found.high:
        return None
    same = float(dream.std()) < SAME_LENGTH * float(real.std())
    whatever = " whatever the policy does" if same else ""
    early = ratio < 1
    hotter = "" if early or report.temperatures else "; or raise dream.temperature"
    return Finding(
        severity="unfit" if same else fault(report),
        name="ends_early" if early else "ends_late",
        found=f"Dreams end too {'early' if early else 'late'}{whatever}: after {span(dream)} "
        f"decisions, a policy's mean, where reality gives {span(real)}.",
        advice=f"{wider(report)}; raise dynamics.own_samples, so that ends are learned on what "
        f"dreams look like{hotter}.",
    )


def flatters_all(report: GapReport) -> Finding | None:
    """Find a dream that promises all policies too much or too little.

    Where dreams end at the wrong time, returns follow lengths: to lower the temperature for the one
    and to raise it for the other would be advice against itself.
    """
    found = report.returns.bias
    if found.low <= 0 <= found.high or abs(found.value) < BIASED * report.returns.spread:
        return None
    more = found.value > 0
    ends = "Mend first when dreams end: a longer episode collects more of every reward and penalty."
    return Finding(
        severity=fault(report),
        name="flatters" if more else "belittles",
        found=f"The dream {'flatters' if more else 'belittles'} policies by "
        f"{with_interval(_absolute(found))} on average.",
        advice=ends if off_lengths(report) else _mend(report, more),
    )


def _mend(report: GapReport, more: bool) -> str:
    """Return advice for a dream that flatters all policies, or belittles them.

    One that pays less than reality may not foresee rewards at all, which no temperature mends.
    """
    if more or report.temperatures:
        return temper(report, "Raise")
    foreseen = "See whether dreams foresee rewards (python -m scripts.dynamics CONFIG); what the "
    return f"{foreseen}encoder lost they cannot. {temper(report, 'If they do, lower')}"


def flatters_agents(report: GapReport) -> Finding | None:
    """Find agents that were trained in the dream and exploit it."""
    faulty = [one for one in report.dreamers if _is_clear(one.flattery, report)]
    if not faulty:
        return None
    worst = max(faulty, key=lambda one: one.flattery.value)
    return Finding(
        severity=fault(report),
        name="flatters_agent",
        found="The dream flatters the agent that was trained in it by "
        f"{with_interval(worst.flattery)}: {worst.name} is promised "
        f"{number(worst.dream_return.value)}, and gets {number(worst.real_return.value)} in "
        "reality.",
        advice="Let it collect and relearn (dream.rounds), or let members disagree "
        "(dynamics.members, dream.max_disagreement). " + temper(report, "Or raise"),
    )


def learned_faults(report: GapReport) -> Finding | None:
    """Find agents that are promised clearly too much at the last evaluation of their training."""
    last = {one.agent: one for one in report.promises}
    faulty = [one for one in last.values() if _is_clear(one.flattery, report)]
    if not faulty:
        return None
    worst = max(faulty, key=lambda one: one.flattery.value)
    first = next(one for one in report.promises if one.agent == worst.agent)
    grown = f" After {first.env_steps:,} it was {with_interval(first.flattery)}."
    return Finding(
        severity=fault(report),
        name="learned_faults",
        found=f"Agents learned the dream's faults ({len(faulty)} of {len(last)}): after "
        f"{worst.env_steps:,} dreamed steps {worst.agent} is promised {number(worst.dream.value)} "
        f"where reality gives {number(worst.real.value)}, {with_interval(worst.flattery)} too "
        f"much.{'' if first is worst else grown}",
        advice="Practise for less (dream.env_steps), let them collect and relearn (dream.rounds), "
        "or let members disagree (dynamics.members, dream.max_disagreement).",
    )


def _lengths(report: GapReport) -> tuple[Array, Array]:
    """Return each policy's mean length in reality and in the dream: (P,), (P,)."""
    real = np.array([np.mean(one.real.lengths) for one in report.policies])
    dream = np.array([np.mean(one.dream.lengths) for one in report.policies])
    return real, dream


def _is_clear(flattery: Measured, report: GapReport) -> bool:
    """Return whether it is above 0, and more than FLATTERY of the range of real returns."""
    real = [one.real_return.value for one in report.policies]
    return flattery.low > 0 and flattery.value > FLATTERY * float(np.ptp(real))


def _absolute(found: Measured) -> Measured:
    low, high = sorted((abs(found.low), abs(found.high)))
    return Measured(value=abs(found.value), low=low, high=high)
