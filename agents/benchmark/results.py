"""The schema of benchmark.json: the measured rows, and the machine of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from agents.benchmark.limits import Work, describe_limit
from agents.benchmark.machine import Machine
from agents.benchmark.measure import Bound, Comparison
from agents.benchmark.rows import Row
from agents.benchmark.scaling.curve import ScalingCurve
from worldvae.json_files import Content, JsonFile


class RowResult(Content):
    """One measured row of the table."""

    name: str = Field(description="Name of the row, for --only.")
    group: str = Field(description="Part of the toolkit.")
    ours: str = Field(description="What is measured.")
    against: str = Field(description="What it is compared with.")
    unit: str = Field(description="Unit of the values.")
    target: float | None = Field(description="Smallest ratio that meets the target.")
    our_values: tuple[float, ...] = Field(description="Our rate in `unit`, one per round.")
    their_values: tuple[float, ...] = Field(description="Their rate in `unit`, one per round.")
    ratios: tuple[float, ...] = Field(min_length=1, description="Ours over theirs, one per round.")
    bound: Bound = Field("", description="Whether `ratios` are bounds, if a side did not finish.")
    note: str = Field("", description="A remark on the numbers.")
    bounded_by: str = Field("", description="What our side cannot be faster than, in words.")
    works: tuple[Work, ...] = Field((), description="The least work of one unit of our side.")
    rate: float = Field(gt=0, description="Units of work a second of our side, the median.")
    seconds: float = Field(description="Wall-clock time that the row took.")
    machine: Machine = Field(description="The machine of the measurement.")

    @classmethod
    def of(
        cls,
        row: Row,
        comparison: Comparison,
        seconds: float,
        machine: Machine,
        works: Sequence[Work] = (),
    ) -> RowResult:
        """Return the result of `row`, with rates in the row's unit.

        `works` are what the row's limit counts.
        """
        ours, theirs = (
            tuple(row.unit.shown(lap.rate) for lap in laps)
            for laps in (comparison.ours, comparison.theirs)
        )
        return cls(
            name=row.name,
            group=row.group,
            ours=row.ours,
            against=row.against,
            unit=row.unit.name,
            target=row.target,
            our_values=ours,
            their_values=theirs,
            ratios=comparison.ratios,
            bound=comparison.bound,
            note=comparison.note,
            bounded_by=row.limit if isinstance(row.limit, str) else "",
            works=tuple(works),
            rate=float(np.median([lap.rate for lap in comparison.ours])),
            seconds=round(seconds, 1),
            machine=machine,
        )

    @property
    def ratio(self) -> float:
        """The median over the rounds."""
        return float(np.median(self.ratios))

    @property
    def limit(self) -> str:
        """How far our side is from what is possible; empty if that is not known."""
        if not self.works or self.machine.speeds is None:
            return self.bounded_by
        return describe_limit(self.works, self.rate, self.machine.speeds)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target. An upper bound cannot meet it."""
        if self.target is None:
            return None
        return self.ratio >= self.target and self.bound in ("", ">=")


class Results(Content):
    """All rows measured so far, in the order of the table."""

    rows: tuple[RowResult, ...] = Field((), description="The table.")
    scaling: tuple[ScalingCurve, ...] = Field((), description="How cost grows.")

    def with_row(self, result: RowResult, order: list[str]) -> Results:
        """Return the results with `result` in place of an older one.

        Rows not in `order` come last.
        """
        rows = {row.name: row for row in self.rows} | {result.name: result}
        ordered = [name for name in order if name in rows]
        others = [name for name in rows if name not in order]
        return self._with(rows=tuple(rows[name] for name in (*ordered, *others)))

    def with_machine(self, names: Collection[str], machine: Machine) -> Results:
        """Return the results with `machine` as that of the rows with these `names`."""
        update = {"machine": machine}
        rows = [r.model_copy(update=update) if r.name in names else r for r in self.rows]
        return self._with(rows=tuple(rows))

    def with_scaling(self, curves: Sequence[ScalingCurve], stages: Sequence[str]) -> Results:
        """Return the results with `curves` in place of older ones of the same stages.

        Curves come in the order of `stages`; those of other stages are dropped.
        """
        measured = {curve.stage for curve in curves}
        kept = [curve for curve in self.scaling if curve.stage not in measured]
        ordered = [c for stage in stages for c in (*kept, *curves) if c.stage == stage]
        return self._with(scaling=tuple(ordered))

    def _with(self, **changed: Any) -> Results:
        return self.model_copy(update=changed)


BENCHMARK = JsonFile("benchmark.json", Results, "remove it to measure all rows again")


def read_results(folder: Path) -> Results:
    """Read the results of an earlier run in `folder`; empty if there are none."""
    return BENCHMARK.read(folder) if BENCHMARK.exists(folder) else Results()
