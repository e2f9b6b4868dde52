"""The tables of a report that show what arms cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agents.report.costs import AgentCosts, ArmCosts
from agents.report.decimals import minutes
from agents.report.tables.table import NOT_RECORDED, Table, plain, side_by_side
from agents.run.stage_results import NOTHING
from agents.run.stages import METERED, NAMES
from worldvae.html import Cell


def costs_table(costs: Sequence[ArmCosts]) -> Table:
    """Return the mean costs of each arm; stages that no arm needed are left out."""
    stages = [name for name in NAMES if any(one.mean.stages[name] != NOTHING for one in costs)]
    any_dreams = any(one.mean.dreamed_steps for one in costs)
    columns = [_arm_costs(arm_costs, stages, any_dreams) for arm_costs in costs]
    return side_by_side([arm_costs.arm for arm_costs in costs], columns)


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
    return plain(
        _count(costs.trained_steps),
        *([_count(costs.dreamed_steps)] if any_dreams else []),
        _or_unknown(training.seconds, _in_minutes),
        _or_unknown(training.cpu_seconds, _in_minutes),
        _or_unknown(training.peak_memory, _gibibytes),
        _or_unknown(evaluation.seconds, _in_minutes),
    )


def _or_unknown(value: float | None, show: Callable[[float], str]) -> str:
    return NOT_RECORDED if value is None else show(value)


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _in_minutes(seconds: float) -> str:
    return f"{minutes(seconds)} min"


def _gibibytes(value: float) -> str:
    return f"{value / 2**30:.2f} GiB"
