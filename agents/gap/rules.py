"""The conclusions of the gap report: one rule for each, with its threshold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from agents.gap.gap_file import GapReport, Measured, Promise, Trust
from agents.gap.wording import capitalised, number, span, with_interval
from worldvae.diagnostics.rules.evidence import Finding, Severity
from worldvae.diagnostics.rules.findings import percent
from worldvae.stats import Array

LEAST_POLICIES = 20
SIGNIFICANT = 0.05
WELL = 0.7
"""A rank correlation from which the dream may choose between policies."""

OFF_LENGTH = 0.75
"""A ratio of lengths beyond which (or beyond its inverse) dreams end too early or too late."""

SAME_LENGTH = 0.25
"""Dreamed lengths that vary between policies by less than this share of what real ones do."""

FLATTERY = 0.2
"""The share of an agent's real return by which the dream may promise more.

At an evaluation in training, whose episodes are few: also of the range of all policies' returns.
"""

BIASED = 0.5
"""The share of the deviation between policies by which the dream may flatter all of them."""

LOST = 0.2
"""The share of the range of real returns that a choice by the dream may lack to the best."""

MOSTLY_CUT = 0.5
WORSE_ON_NEW = 1.5

ORDER: tuple[Severity, ...] = ("unfit", "doubtful", "note")
WIDER = "collect wider play (rollouts.policies: {random: 1, smooth: 1, sweep: 1})"
MORE = "collect more (rollouts.frames), or with an agent that dreamed (dream.rounds)"
Rule = Callable[[GapReport], Finding | None]


def find_gaps(report: GapReport) -> tuple[Finding, ...]:
    """Return all findings, the gravest first."""
    found = [finding for rule in RULES if (finding := rule(report))]
    return tuple(sorted(found, key=lambda finding: ORDER.index(finding.severity)))


def judge(report: GapReport, findings: tuple[Finding, ...]) -> Trust:
    """Return the verdict: whether policies may be chosen, and trained, in this dream.

    inconclusive: neither that it ranks policies nor that it does not is shown.
    """
    severities = {finding.severity for finding in findings}
    if _ranks_nothing(report):
        return "inconclusive"
    if "unfit" in severities:
        return "misleads"
    if report.returns.spearman.low <= 0 <= report.returns.spearman.high:
        return "inconclusive"
    return "doubtful" if "doubtful" in severities else "ranks"


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
    if _ranks_nothing(report) or not found.low <= 0 <= found.high:
        return None
    return Finding(
        severity="doubtful",
        name="unknown_ranking",
        found="Whether the dream ranks policies at all is not shown: Spearman "
        f"{with_interval(found, 2)} includes 0. Reality ranks itself at "
        f"{report.returns.ceiling:.2f}.",
        advice=f"{_wider(report)} and learn the dynamics anew; or play more policies and episodes "
        "(gap.policies, gap.episodes).",
    )


def inverted_ranking(report: GapReport) -> Finding | None:
    found = report.returns.spearman
    if found.high >= 0 or _ranks_nothing(report):
        return None
    return Finding(
        severity="unfit",
        name="inverted_ranking",
        found=f"The dream ranks policies the wrong way round: Spearman {with_interval(found, 2)}.",
        advice="Do not train in it. Look at the fidelity of reward and ends first (python -m "
        f"scripts.dynamics CONFIG), then {_wider(report, False)}.",
    )


def weak_ranking(report: GapReport) -> Finding | None:
    found = report.returns.spearman
    if found.low <= 0 or found.value >= WELL or _ranks_nothing(report):
        return None
    return Finding(
        severity="doubtful",
        name="weak_ranking",
        found=f"The dream ranks policies only roughly: Spearman {with_interval(found, 2)}, where "
        f"reality ranks itself at {report.returns.ceiling:.2f}.",
        advice=f"{_wider(report)}, or raise dynamics.own_samples.",
    )


def chooses_badly(report: GapReport) -> Finding | None:
    """Find a dream whose best policy lacks more than LOST to reality's best, noise aside.

    A rank correlation hardly sees it: one policy of many is out of its place.
    """
    lost = report.returns.choice
    if lost.low <= LOST or _ranks_nothing(report):
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
        f"{_wider(report)}, so that the dream learns what it has wrong.",
    )


def off(report: GapReport) -> Finding | None:
    """Find returns that are promised worse than by one number, reality's mean, for all policies.

    Noise makes means of few episodes differ from true ones; that much is no fault of the dream.
    """
    found = report.returns
    excused = found.error_of_mean + found.error_of_noise
    if found.absolute_error.low <= excused or _ranks_nothing(report):
        return None
    ranks = found.spearman.low > 0 and found.spearman.value >= WELL and found.choice.low <= LOST
    use = "Use it to choose between policies, and believe" if ranks else "Believe"
    return Finding(
        severity="doubtful",
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
    return Finding(
        severity="unfit" if same else "doubtful",
        name="ends_early" if early else "ends_late",
        found=f"Dreams end too {'early' if early else 'late'}{whatever}: after {span(dream)} "
        f"decisions, a policy's mean, where reality gives {span(real)}.",
        advice=f"{_wider(report)}; raise dynamics.own_samples, so that ends are learned on what "
        f"dreams look like{'' if early else '; or raise dream.temperature'}.",
    )


def flatters_all(report: GapReport) -> Finding | None:
    found = report.returns.bias
    if found.low <= 0 <= found.high or abs(found.value) < BIASED * report.returns.spread:
        return None
    more = found.value > 0
    return Finding(
        severity="doubtful",
        name="flatters" if more else "belittles",
        found=f"The dream {'flatters' if more else 'belittles'} policies by "
        f"{with_interval(_absolute(found))} on average.",
        advice=_temper(report, "Raise" if more else "Lower"),
    )


def flatters_agents(report: GapReport) -> Finding | None:
    """Find agents that were trained in the dream and exploit it."""
    worst = max(report.dreamers, key=lambda one: one.flattery.value, default=None)
    if worst is None or worst.flattery.low <= 0:
        return None
    real, dream = float(np.mean(worst.real.returns)), float(np.mean(worst.dream.returns))
    if worst.flattery.value < FLATTERY * abs(real):
        return None
    return Finding(
        severity="doubtful",
        name="flatters_agent",
        found="The dream flatters the agent that was trained in it by "
        f"{with_interval(worst.flattery)}: {worst.name} is promised {number(dream)}, and gets "
        f"{number(real)} in reality.",
        advice="Let it collect and relearn (dream.rounds), or let members disagree "
        "(dynamics.members, dream.max_disagreement). " + _temper(report, "Or raise"),
    )


def learned_faults(report: GapReport) -> Finding | None:
    """Find agents that are promised clearly too much at the last evaluation of their training."""
    last = {one.agent: one for one in report.promises}
    faulty = [one for one in last.values() if one.flattery.low > 0 and _is_large(one, report)]
    if not faulty:
        return None
    worst = max(faulty, key=lambda one: one.flattery.value)
    first = next(one for one in report.promises if one.agent == worst.agent)
    grown = f" After {first.env_steps:,} it was {with_interval(first.flattery)}."
    return Finding(
        severity="doubtful",
        name="learned_faults",
        found=f"Agents learned the dream's faults ({len(faulty)} of {len(last)}): after "
        f"{worst.env_steps:,} dreamed steps {worst.agent} is promised {number(worst.dream.value)} "
        f"where reality gives {number(worst.real.value)}, {with_interval(worst.flattery)} too "
        f"much.{'' if first is worst else grown}",
        advice="Practise for less (dream.env_steps), let them collect and relearn (dream.rounds), "
        "or let members disagree (dynamics.members, dream.max_disagreement).",
    )


def worse_on_new(report: GapReport) -> Finding | None:
    old, new = report.collected, report.not_collected
    if old is None or new is None:
        return None
    was, now = old.absolute_error, new.absolute_error
    if now.value < WORSE_ON_NEW * was.value or now.low <= was.high:
        return None
    return Finding(
        severity="note",
        name="worse_on_new",
        found=f"Policies of kinds that were not in the rollouts are dreamed worse: they are off by "
        f"{with_interval(now)}, the others by {with_interval(was)}.",
        advice=f"{_wider(report)}, or let the agent collect (dream.rounds).",
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
    shares = [np.mean([getattr(one, world).cut_share for one in report.policies]) for world in BOTH]
    if max(shares) < MOSTLY_CUT:
        return None
    return Finding(
        severity="note",
        name="cut",
        found=f"Of the episodes {percent(shares[0])} in reality and {percent(shares[1])} in the "
        f"dream did not end by themselves within {report.horizon:,} decisions: returns are those "
        "until then, in both worlds alike.",
        advice="Raise gap.horizon, if the environment lets episodes last longer.",
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


BOTH = "real", "dream"
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
    mostly_cut,
    few_policies,
)


def _ranks_nothing(report: GapReport) -> bool:
    """Whether reality does not tell the policies apart, so that there is nothing to rank."""
    return report.returns.indifference >= SIGNIFICANT


def _wider(report: GapReport, begins: bool = True) -> str:
    """Return advice on what to collect; `begins`: it is the beginning of a sentence."""
    swept = any(one.collected_as == "sweep" for one in report.policies)
    advice = MORE if swept else WIDER
    return capitalised(advice) if begins else advice


def _temper(report: GapReport, verb: str) -> str:
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


def _lengths(report: GapReport) -> tuple[Array, Array]:
    """Return each policy's mean length in reality and in the dream: (P,), (P,)."""
    real, dream = (
        np.array([np.mean(getattr(one, world).lengths) for one in report.policies])
        for world in BOTH
    )
    return real, dream


def _is_large(promise: Promise, report: GapReport) -> bool:
    """Whether it promises more than FLATTERY of the agent's return and of the range of returns."""
    real = [one.real_return.value for one in report.policies]
    return promise.flattery.value > FLATTERY * max(abs(promise.real.value), float(np.ptp(real)))


def _absolute(found: Measured) -> Measured:
    low, high = sorted((abs(found.low), abs(found.high)))
    return Measured(value=abs(found.value), low=low, high=high)
