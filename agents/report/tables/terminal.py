"""The table that a comparison prints when it ends."""

from __future__ import annotations

from collections.abc import Sequence

from agents.report.arm_summary import ArmSummary
from agents.report.decimals import Decimals, minutes


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


def _table_row(arm: ArmSummary, decimals: Decimals) -> tuple[str, ...]:
    return (
        arm.arm,
        str(arm.iqm.n),
        decimals.show(arm.iqm.value),
        decimals.interval(arm.iqm.low, arm.iqm.high),
        f"{arm.total.env_steps:,} ({arm.charged.env_steps:,})",
        f"{minutes(arm.total.seconds)} ({minutes(arm.charged.seconds)})",
    )
