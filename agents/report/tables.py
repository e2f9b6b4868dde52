"""The tables of a report, independent of HTML and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from agents.report.arm_summary import ACTIONS, ArmSummary
from agents.report.costs import AgentCosts, ArmCosts
from agents.report.decimals import shown_p
from agents.report.normalised import AGGREGATES, NormalisedComparison
from agents.report.pair import Pair
from agents.report.summary import Summary
from agents.report.verdict import minutes, rate
from agents.run.agent_result import AgentResult
from agents.run.records import Run
from agents.run.stage_results import NOTHING
from agents.run.stages import METERED, NAMES
from worldvae.html import Cell
from worldvae.stats import Estimate
from worldvae.wording import number, percent

UNKNOWN = "not recorded"

AT_BUDGETS = (
    "Each pair at the largest cost, charge included, at which all agents of both arms were "
    "evaluated during training. Both are read there from evaluations of few episodes, before the "
    "learning rate has fallen to its end; where one of the two is much further through its "
    "training, that favours it, and only a run that is planned for the budget is fair."
)
"""What the table of equal budgets is, in words for a report."""


class Table(NamedTuple):
    """A header and rows; a row is a name and a cell for each further column."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def arms_table(summary: Summary) -> Table:
    """Return the arms side by side."""
    return _side_by_side(
        [arm.arm for arm in summary.arms], [_arm(summary, a) for a in summary.arms]
    )


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


def seeds_table(run: Run, summary: Summary) -> Table:
    """Return the final score of each seed."""
    header = ("arm, seed", "score", "episodes", "lowest", "highest", "minutes")
    rows = [(f"{result.arm} {result.seed}", _seed(summary, result)) for result in run.results]
    return Table(header, tuple(rows))


def normalised_table(normalised: NormalisedComparison) -> Table:
    """Return the aggregates of Agarwal et al. (2021) on normalised scores."""
    columns = [
        {name: _interval(arm.aggregates[name]) for name in AGGREGATES} for arm in normalised.arms
    ]
    return _side_by_side([arm.arm for arm in normalised.arms], columns)


def costs_table(costs: Sequence[ArmCosts]) -> Table:
    """Return the mean costs of each arm; stages that no arm needed are left out."""
    stages = [name for name in NAMES if any(one.mean.stages[name] != NOTHING for one in costs)]
    any_dreams = any(one.mean.dreamed_steps for one in costs)
    columns = [_arm_costs(arm_costs, stages, any_dreams) for arm_costs in costs]
    return _side_by_side([arm_costs.arm for arm_costs in costs], columns)


def costs_seeds_table(costs: Sequence[ArmCosts]) -> Table:
    """Return the costs of each agent after its encoder was trained."""
    any_dreams = any(one.mean.dreamed_steps for one in costs)
    dreamed = ("dreamed steps",) if any_dreams else ()
    header = ("arm, seed", "env steps", *dreamed, "training", "its CPU", "its memory", "evaluation")
    rows = [
        (f"{arm_costs.arm} {seed}", _agent_row(agent, any_dreams))
        for arm_costs in costs
        for seed, agent in arm_costs.seeds.items()
    ]
    return Table(header, tuple(rows))


def _side_by_side(names: Sequence[str], columns: Sequence[dict[str, Cell]]) -> Table:
    """Return a table with one column per name; its first column names the rows."""
    rows = columns[0] if columns else {}
    return Table(
        ("", *names), tuple((row, tuple(column[row] for column in columns)) for row in rows)
    )


def _arm(summary: Summary, arm: ArmSummary) -> dict[str, Cell]:
    """Return one arm's column: name of the row -> value and remark."""
    show, values = summary.show, arm.values
    interval = summary.interval(arm.iqm.low, arm.iqm.high)
    tells_success = any(one.success_rates for one in summary.arms)
    has_areas = any(one.areas for one in summary.arms)
    has_noise = any(one.noise for one in summary.arms)
    scored, others = _ways(summary)
    return {
        f"IQM{scored}, 95 % interval": (show(arm.iqm.value), interval),
        **({"success rate, mean over seeds": _success(arm)} if tells_success else {}),
        **{f"IQM, {way}": _acting(summary, arm, way) for way in others},
        "seeds": (str(arm.iqm.n), ""),
        "mean ± sd over seeds": (_spread(summary, arm), ""),
        "median": (show(float(np.median(values))), ""),
        "env steps, charge included": (
            f"{arm.total.env_steps:,}",
            f"{arm.charged.env_steps:,} charged" if arm.charged.env_steps else "",
        ),
        "minutes, charge included": (
            minutes(arm.total.seconds),
            f"{minutes(arm.charged.seconds)} charged" if arm.charged.seconds else "",
        ),
        **({"area under the curve": _area(summary, arm)} if has_areas else {}),
        **({"noise of evaluation": _noise(summary, arm)} if has_noise else {}),
    }


def _ways(summary: Summary) -> tuple[str, list[str]]:
    """Return the way of acting in which all arms were scored, and the others that there are.

    The first is a part of a row's name, empty where agents were evaluated in one way alone.
    """
    ways = [way for way in ACTIONS.values() if any(way in arm.acting for arm in summary.arms)]
    if len(ways) < 2:
        return "", []
    scored = [way for way in ways if all(arm.acting.get(way) is arm.iqm for arm in summary.arms)]
    return "".join(f", {way}" for way in scored), [way for way in ways if way not in scored]


def _acting(summary: Summary, arm: ArmSummary, way: str) -> Cell:
    if not (estimate := arm.acting.get(way)):
        return UNKNOWN, ""
    return summary.show(estimate.value), summary.interval(estimate.low, estimate.high)


def _success(arm: ArmSummary) -> Cell:
    rates = arm.success_rates
    if not rates:
        return UNKNOWN, ""
    spread = f"seeds {percent(min(rates))} to {percent(max(rates))}" if len(rates) > 1 else ""
    return percent(float(np.mean(rates))), spread


def _spread(summary: Summary, arm: ArmSummary) -> str:
    mean = summary.show(float(arm.values.mean()))
    return f"{mean} ± {summary.show(arm.sd)}" if len(arm.scores) > 1 else mean


def _area(summary: Summary, arm: ArmSummary) -> Cell:
    if not arm.areas:
        return "n/a", ""
    return summary.show(float(np.mean(list(arm.areas.values())))), ""


def _noise(summary: Summary, arm: ArmSummary) -> Cell:
    if (noise := arm.noise) is None:
        return "n/a", ""
    remark = f"{percent(noise.share)} of the variance over seeds; " if noise.spread else ""
    halves = f"{noise.episodes_for_half:,} episodes would halve it"
    return summary.show(noise.deviation), remark + halves


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
        _difference(summary, pair.both_levels),
        _interval(pair.probability),
        _difference(summary, pair.area),
    )


def _bounds(summary: Summary, difference: Estimate) -> str:
    return summary.interval(difference.low, difference.high)


def _budgets(summary: Summary, pair: Pair) -> tuple[Cell, ...]:
    steps, cpu = pair.at_equal_steps, pair.at_equal_cpu
    return (
        (f"{steps.budget:,.0f}" if steps else "n/a", ""),
        _difference(summary, steps.difference if steps else None),
        (minutes(cpu.budget) if cpu else "n/a", ""),
        _difference(summary, cpu.difference if cpu else None),
    )


def _difference(summary: Summary, difference: Estimate | None) -> Cell:
    if difference is None:
        return "n/a", ""
    return summary.show(difference.value), summary.interval(difference.low, difference.high)


def _interval(estimate: Estimate) -> Cell:
    if not np.isfinite(estimate.low):
        return number(estimate.value, 2), "no interval"
    return number(estimate.value, 2), f"{number(estimate.low, 2)} to {number(estimate.high, 2)}"


def _seed(summary: Summary, result: AgentResult) -> tuple[Cell, ...]:
    returns = result.evaluation.returns
    return _plain(
        summary.show(result.score),
        str(len(returns)),
        summary.show(min(returns)),
        summary.show(max(returns)),
        minutes(result.seconds),
    )


def _arm_costs(arm_costs: ArmCosts, stages: Sequence[str], any_dreams: bool) -> dict[str, Cell]:
    """Return one arm's column of the costs: name of the row -> value and remark."""
    mean, trials = arm_costs.mean, arm_costs.tuning_trials
    stage_minutes = {
        f"minutes of {name}": _or_unknown(mean.stages[name].seconds, minutes) for name in stages
    }
    return {
        "env steps trained": (_count(mean.trained_steps), ""),
        **({"env steps dreamed": (_count(mean.dreamed_steps), "")} if any_dreams else {}),
        "env steps charged": (_or_unknown(mean.charged_steps, _count), ""),
        **{name: (value, "") for name, value in stage_minutes.items()},
        "CPU minutes": (_or_unknown(mean.cpu_seconds, minutes), _cpu_parts(mean)),
        "peak memory": (_or_unknown(mean.peak_memory, _gibibytes), ""),
        "parameters trained": (_count(mean.parameters_trained), ""),
        "parameters frozen": (_count(mean.parameters_frozen), ""),
        "tuning trials": ("not stated" if trials is None else str(trials), ""),
    }


def _cpu_parts(costs: AgentCosts) -> str:
    """Return the known CPU minutes of each stage; "" if training is the only one."""
    known = {name: seconds for name in METERED if (seconds := costs.stages[name].cpu_seconds)}
    if set(known) == {"training"}:
        return ""
    return ", ".join(f"{name} {minutes(seconds)}" for name, seconds in known.items())


def _agent_row(costs: AgentCosts, any_dreams: bool) -> tuple[Cell, ...]:
    training, evaluation = costs.stages["training"], costs.stages["evaluation"]
    return _plain(
        _count(costs.trained_steps),
        *([_count(costs.dreamed_steps)] if any_dreams else []),
        _or_unknown(training.seconds, _in_minutes),
        _or_unknown(training.cpu_seconds, _in_minutes),
        _or_unknown(training.peak_memory, _gibibytes),
        _or_unknown(evaluation.seconds, _in_minutes),
    )


def _plain(*values: str) -> tuple[Cell, ...]:
    return tuple((value, "") for value in values)


def _or_unknown(value: float | None, show: Callable[[float], str]) -> str:
    return UNKNOWN if value is None else show(value)


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _in_minutes(seconds: float) -> str:
    return f"{minutes(seconds)} min"


def _gibibytes(value: float) -> str:
    return f"{value / 2**30:.2f} GiB"
