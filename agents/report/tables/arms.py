"""The tables of a report that show arms and their seeds."""

from __future__ import annotations

import numpy as np

from agents.report.arm_summary import ACTIONS, ArmSummary
from agents.report.decimals import minutes
from agents.report.normalised import AGGREGATES, NormalisedComparison
from agents.report.summary import Summary
from agents.report.tables.table import NOT_RECORDED, Table, interval_cell, plain, side_by_side
from agents.run.agent_result import AgentResult
from agents.run.records import Run
from worldvae.html import Cell
from worldvae.wording import percent


def arms_table(summary: Summary) -> Table:
    """Return the arms side by side."""
    return side_by_side([arm.arm for arm in summary.arms], [_arm(summary, a) for a in summary.arms])


def seeds_table(run: Run, summary: Summary) -> Table:
    """Return the final score of each seed."""
    header = ("arm, seed", "score", "episodes", "lowest", "highest", "minutes")
    rows = [(f"{result.arm} {result.seed}", _seed(summary, result)) for result in run.results]
    return Table(header, tuple(rows))


def normalised_table(normalised: NormalisedComparison) -> Table:
    """Return the aggregates of Agarwal et al. (2021) on normalised scores."""
    columns = [
        {name: interval_cell(arm.aggregates[name]) for name in AGGREGATES}
        for arm in normalised.arms
    ]
    return side_by_side([arm.arm for arm in normalised.arms], columns)


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
        return NOT_RECORDED, ""
    return summary.show(estimate.value), summary.interval(estimate.low, estimate.high)


def _success(arm: ArmSummary) -> Cell:
    rates = arm.success_rates
    if not rates:
        return NOT_RECORDED, ""
    spread = f"seeds {percent(min(rates))} to {percent(max(rates))}" if len(rates) > 1 else ""
    return percent(float(np.mean(rates))), spread


def _spread(summary: Summary, arm: ArmSummary) -> str:
    mean = summary.show(float(arm.values.mean()))
    return f"{mean} ± {summary.show(arm.sd)}" if len(arm.scores) > 1 else mean


def _area(summary: Summary, arm: ArmSummary) -> Cell:
    if not arm.areas:
        return "n/a", ""
    over = "over dreamed steps" if arm.dreamed else ""
    return summary.show(float(np.mean(list(arm.areas.values())))), over


def _noise(summary: Summary, arm: ArmSummary) -> Cell:
    if (noise := arm.noise) is None:
        return "n/a", ""
    remark = f"{percent(noise.share)} of the variance over seeds; " if noise.spread else ""
    halves = f"{noise.episodes_for_half:,} episodes would halve it"
    return summary.show(noise.deviation), remark + halves


def _seed(summary: Summary, result: AgentResult) -> tuple[Cell, ...]:
    returns = result.evaluation.returns
    return plain(
        summary.show(result.score),
        str(len(returns)),
        summary.show(min(returns)),
        summary.show(max(returns)),
        minutes(result.seconds),
    )
