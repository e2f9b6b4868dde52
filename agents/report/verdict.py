"""States what a comparison found, and claims no more than its seeds allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agents.report.arm_summary import ArmSummary
from agents.report.decimals import Decimals, shown_p
from agents.report.normalised import NormalisedPair
from agents.report.pair import Pair
from agents.report.summary import Summary
from agents.run.declared import Declared
from agents.run.records import ENOUGH_SEEDS
from agents.run.stage_results import Cost
from agents.run.stages import activities, shared_stages
from worldvae.wording import number


def verdict(summary: Summary) -> list[str]:
    """Return the verdict in paragraphs of plain text."""
    if not summary.arms:
        return ["No agent has finished yet, so there is nothing to compare."]
    findings = claims(summary.pairs, summary.show, declared=len(summary.declared.early))
    findings = [*undecided_claims(summary.undecided), *findings, *late_claims(summary.declared)]
    return [*_few_seeds(summary), *findings, _costs(summary), *_limits(summary)]


def summary_table(arms: Sequence[ArmSummary], decimals: Decimals) -> str:
    """Return the arms as a plain table for the terminal."""
    header = ("arm", "seeds", "IQM", "95 % interval", "env steps (charged)", "minutes (charged)")
    rows = [header, *(_table_row(arm, decimals) for arm in arms)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def minutes(seconds: float) -> str:
    """Format seconds as minutes: "12.3", or "1,234" from 100 minutes on."""
    return f"{seconds / 60:,.0f}" if seconds >= 6000 else f"{seconds / 60:,.1f}"


def _few_seeds(summary: Summary) -> list[str]:
    """Return the scores, with a warning about arms that have few seeds."""
    few = [arm for arm in summary.arms if arm.iqm.n < ENOUGH_SEEDS]
    scores = ", ".join(_score(summary, arm) for arm in summary.arms)
    if not few:
        return [f"IQM over n = {_counts(summary.arms)} seeds (95 % interval): {scores}."]
    single = [arm for arm in few if arm.iqm.n == 1]
    no_intervals = len(single) == len(summary.arms)
    effect = "there is no interval over seeds" if no_intervals else "an interval says little"
    label = "Score" if no_intervals else "IQM (95 % interval)"
    subject = _names(few) if summary.pairs else "which arm is preferable"
    text = (
        f"With n = {_counts(summary.arms)} {_seeds(summary.arms)} {effect}. {label}: {scores}. "
        f"No claim about {subject} can be made from this run."
    )
    return [text, *([_single_seeds(summary, single)] if single else [])]


def _score(summary: Summary, arm: ArmSummary) -> str:
    score = f"{arm.arm} {summary.show(arm.iqm.value)}"
    interval = summary.interval(arm.iqm.low, arm.iqm.high)
    return f"{score} ({interval})" if arm.iqm.n > 1 else score


def _single_seeds(summary: Summary, arms: Sequence[ArmSummary]) -> str:
    intervals = ", ".join(f"{arm.arm} {summary.interval(*arm.within)}" for arm in arms)
    return (
        "Where one agent stands for its arm, the only interval is over its evaluation episodes: "
        f"{intervals}. It says how much the episodes of that agent differ, not how another "
        "training run would come out."
    )


def rate(value: float) -> str:
    """Format a share or a difference of shares: "0.96", "-0.20" but never "-0.00"."""
    return number(value, 2)


def claims(
    pairs: Sequence[Pair | NormalisedPair],
    show: Callable[[float], str],
    each: str = "",
    declared: int = 0,
) -> list[str]:
    """Return one claim per pair, those declared before the run first, and the rule behind them.

    `each` follows the number of seeds, as in " in each environment"; `declared` is the number of
    comparisons that the configuration declares, with or without enough seeds.
    """
    ordered = sorted(pairs, key=lambda pair: (not pair.is_primary, not pair.difference.told_apart))
    stated = [_claim(pair, rate if pair.by_success else show, each) for pair in ordered]
    return [*stated, *_rule(ordered, declared)]


def undecided_claims(undecided: Sequence[str]) -> list[str]:
    """Name the comparisons that were declared and cannot be made; nothing if there are none."""
    return [f"Declared before the run, and not compared: {', '.join(undecided)}."] * bool(undecided)


def late_claims(declared: Declared) -> list[str]:
    """Say what was declared too late to count; nothing if that is nothing."""
    if declared.success_is_late:
        return [
            "compare.success_return was set when agents of several arms had finished, so that all "
            "comparisons are exploratory."
        ]
    pairs = ", ".join(" and ".join(pair) for pair in declared.late)
    late = "Declared in compare.primary when agents of both had finished, and so exploratory: "
    return [f"{late}{pairs}."] * bool(pairs)


def _claim(pair: Pair | NormalisedPair, show: Callable[[float], str], each: str) -> str:
    """State the difference of a pair, and the smallest one that so few seeds could have shown."""
    difference = pair.difference
    kind = "Declared before the run" if pair.is_primary else "Exploratory"
    seeds = f"over n = {difference.n} seeds{each}"
    interval = f"{show(difference.low)} to {show(difference.high)}; " * (not pair.by_success)
    size = f"{show(difference.value)} ({interval}p {shown_p(difference.p)})"
    score = " in success rate" if pair.by_success else ""
    power = f"only differences above {show(difference.detectable)} could have been seen"
    if not difference.told_apart:
        return (
            f"{kind}: this run does not tell {pair.first} and {pair.second} apart; {seeds} their "
            f"difference{score} is {size}{_bounds(pair, show)}{power}."
        )
    doubt = ", so its size is likely overstated" if difference.value < difference.detectable else ""
    better = f"{pair.first} did better than {pair.second}{score}, by {size}"
    return f"{kind}: {seeds} {better}; {power}{doubt}."


def _bounds(pair: Pair | NormalisedPair, show: Callable[[float], str]) -> str:
    """State how much worse either arm may be: the only sense in which one does as well.

    Nothing of success rates, whose test has no interval.
    """
    first, second, found = pair.first, pair.second, pair.difference
    if pair.by_success:
        return "; "
    return (
        f". {first} is at most {show(found.a_worse)} worse than {second} (one-sided 95 %), and "
        f"{second} at most {show(found.b_worse)} worse than {first}; "
    )


WELCH_RULE = (
    "Arms are told apart where Welch's t-test over their seeds, which are not paired, has a p of "
    "at most 0.05; its 95 % interval leaves out zero exactly then. What could have been seen is "
    "the true difference that the same test finds in 80 % of simulated runs with these spreads."
)
SUCCESS_RULE = (
    "Arms are told apart where an exact test of their success rates has a p of at most 0.05: how "
    "often seeds dealt anew to the two arms would differ as much, on either side. What could have "
    "been seen is the gap between an arm whose every training solves the task and one whose "
    "trainings solve or fail it, that the same test finds in 80 % of runs."
)


def _rule(pairs: Sequence[Pair | NormalisedPair], declared: int) -> list[str]:
    """State when arms are told apart, and how often that is wrong."""
    if not pairs:
        return []
    rule = SUCCESS_RULE if pairs[0].by_success else WELCH_RULE
    return [" ".join([rule, *_by_chance(pairs, declared)])]


def _by_chance(pairs: Sequence[Pair | NormalisedPair], declared: int) -> list[str]:
    """State how many pairs of equal arms would be told apart, and which those are."""
    primary = sum(pair.is_primary for pair in pairs)
    others = len(pairs) - primary
    sentences = []
    if not declared:
        sentences.append(
            "No comparison was declared before the run (compare.primary), so all are exploratory."
        )
    for count, kind in ((primary, "declared"), (others, "exploratory")):
        if count > 1:
            sentences.append(
                f"Of {count} {kind} pairs of equal arms, {0.05 * count:.2g} would be told apart by "
                "chance."
            )
    if others:
        sentences.append("An exploratory finding is a reason for another run, not a result.")
    return sentences


def _costs(summary: Summary) -> str:
    parts = []
    for arm in summary.arms:
        text = f"{arm.arm} {_steps(arm)} ({minutes(arm.trained.seconds)} min)"
        if arm.charged != Cost():
            text += (
                f", and before that {arm.charged.env_steps:,} env steps "
                f"({minutes(arm.charged.seconds)} min) of {activities(*shared_stages(arm.arm))}, "
                "charged to it"
            )
        parts.append(text)
    return f"Training per seed: {'; '.join(parts)}."


def _steps(arm: ArmSummary) -> str:
    real = f"{arm.trained.env_steps:,} env steps"
    return f"{real} and {arm.dreamed:,} dreamed ones" if arm.dreamed else real


def _limits(summary: Summary) -> list[str]:
    if all(arm.iqm.n >= ENOUGH_SEEDS for arm in summary.arms):
        return []
    return [
        "So small a run shows that the way from frames to scores works, what each arm costs, and "
        "the rough size of its scores after so many env steps. How the arms rank, or would rank "
        f"after longer training, it does not show: plan {ENOUGH_SEEDS} seeds per arm at the very "
        "least."
    ]


def _table_row(arm: ArmSummary, decimals: Decimals) -> tuple[str, ...]:
    return (
        arm.arm,
        str(arm.iqm.n),
        decimals.show(arm.iqm.value),
        decimals.interval(arm.iqm.low, arm.iqm.high),
        f"{arm.total.env_steps:,} ({arm.charged.env_steps:,})",
        f"{minutes(arm.total.seconds)} ({minutes(arm.charged.seconds)})",
    )


def _counts(arms: Sequence[ArmSummary]) -> str:
    """Return "5" if all arms have as many seeds, else "5 (pixels) and 3 (latent)"."""
    if len({arm.iqm.n for arm in arms}) == 1:
        return str(arms[0].iqm.n)
    *front, last = (f"{arm.iqm.n} ({arm.arm})" for arm in arms)
    return f"{', '.join(front)} and {last}"


def _seeds(arms: Sequence[ArmSummary]) -> str:
    counts = {arm.iqm.n for arm in arms}
    if len(counts) > 1:
        return "seeds"
    return "seed per arm" if counts == {1} else "seeds per arm"


def _names(arms: Sequence[ArmSummary]) -> str:
    return " or ".join(arm.arm for arm in arms)
