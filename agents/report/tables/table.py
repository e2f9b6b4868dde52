"""What the tables of a report are made of, independent of HTML and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from agents.report.summary import Summary
from worldvae.html import Cell
from worldvae.stats import Estimate
from worldvae.wording import number

NOT_RECORDED = "not recorded"


class Table(NamedTuple):
    """A header and rows; a row is a name and a cell for each further column."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def side_by_side(names: Sequence[str], columns: Sequence[dict[str, Cell]]) -> Table:
    """Return a table with one column per name; its first column names the rows."""
    rows = columns[0] if columns else {}
    return Table(
        ("", *names), tuple((row, tuple(column[row] for column in columns)) for row in rows)
    )


def plain(*values: str) -> tuple[Cell, ...]:
    """Return cells without remarks."""
    return tuple((value, "") for value in values)


def interval_cell(estimate: Estimate) -> Cell:
    """Return the value to two digits; its 95 % interval is the remark."""
    if not np.isfinite(estimate.low):
        return number(estimate.value, 2), "no interval"
    return number(estimate.value, 2), f"{number(estimate.low, 2)} to {number(estimate.high, 2)}"


def difference_cell(summary: Summary, difference: Estimate | None) -> Cell:
    """Return the difference in the score's digits; its 95 % interval is the remark."""
    if difference is None:
        return "n/a", ""
    return summary.show(difference.value), summary.interval(difference.low, difference.high)
