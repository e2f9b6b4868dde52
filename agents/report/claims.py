"""What may be claimed of pairs of arms, in sentences, and by which rule they are told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agents.report.decimals import rate, shown_p
from agents.report.normalised import NormalisedPair
from agents.report.pair import Pair
from agents.run.declared import Declared

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
