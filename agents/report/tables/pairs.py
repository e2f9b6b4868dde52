"""The tables of a report that compare arms pair by pair."""

from __future__ import annotations

from agents.report.decimals import minutes, rate, shown_p
from agents.report.pair import Pair
from agents.report.summary import Summary
from agents.report.tables.table import Table, difference_cell, interval_cell
from worldvae.html import Cell
from worldvae.stats import Estimate

AT_BUDGETS = (
    "Each pair at the largest cost, charge included, at which all agents of both arms were "
    "evaluated during training. Both are read there from evaluations of few episodes, before the "
    "learning rate has fallen to its end; where one of the two is much further through its "
    "training, that favours it, and only a run that is planned for the budget is fair."
)
"""What the table of equal budgets is, in words for a report."""


def pairs_table(summary: Summary) -> Table:
    """Return the pairs of arms with enough seeds.

    Probabilities are those of pairs of seeds.
    """
    is_success = any(pair.by_success for pair in summary.pairs)
    header = (
        *("first, second", "declared", "seeds"),
        "difference of success rates" if is_success else "difference",
        *("p", "could be seen above", "first is worse by at most", "second is worse by at most"),
        *("returns over seeds and tracks", "P(first higher)", "area under the curve"),
    )
    return Table(header, tuple(_pair(summary, pair) for pair in summary.pairs))


def budgets_table(summary: Summary) -> Table:
    """Return each pair at the largest budget that both arms reached, in env steps and CPU minutes.

    Empty without a pair that was evaluated at one during training.
    """
    pairs = [pair for pair in summary.pairs if pair.at_equal_steps or pair.at_equal_cpu]
    header = ("first, second", "env steps", "difference there", "CPU minutes", "difference there")
    rows = [(f"{pair.first}, {pair.second}", _budgets(summary, pair)) for pair in pairs]
    return Table(header, tuple(rows))


def _pair(summary: Summary, pair: Pair) -> tuple[str, tuple[Cell, ...]]:
    difference = pair.difference
    show = rate if pair.by_success else summary.show
    return f"{pair.first}, {pair.second}", (
        ("primary" if pair.is_primary else "exploratory", ""),
        (str(difference.n), ""),
        (show(difference.value), "" if pair.by_success else _bounds(summary, difference)),
        (shown_p(difference.p).removeprefix("= "), ""),
        (show(difference.detectable), ""),
        (show(difference.a_worse), ""),
        (show(difference.b_worse), ""),
        difference_cell(summary, pair.both_levels),
        interval_cell(pair.probability),
        ("n/a", "one dreams") if pair.one_dreams else difference_cell(summary, pair.area),
    )


def _bounds(summary: Summary, difference: Estimate) -> str:
    return summary.interval(difference.low, difference.high)


def _budgets(summary: Summary, pair: Pair) -> tuple[Cell, ...]:
    steps, cpu = pair.at_equal_steps, pair.at_equal_cpu
    return (
        (f"{steps.budget:,.0f}" if steps else "n/a", ""),
        difference_cell(summary, steps.difference if steps else None),
        (minutes(cpu.budget) if cpu else "n/a", ""),
        difference_cell(summary, cpu.difference if cpu else None),
    )
