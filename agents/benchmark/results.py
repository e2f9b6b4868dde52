"""What the benchmark found, as it lies in benchmark.json, and what it was measured on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from agents.benchmark.machine import Machine
from agents.benchmark.measure import Bound, Comparison
from agents.benchmark.rows import Row
from agents.benchmark.scaling import ScalingCurve
from worldvae.checksum import read_checked_as, write_checked
from worldvae.config import Config


class RowResult(Config):
    """One row of the table, measured."""

    name: str = Field(description="Name of the row, for --only.")
    group: str = Field(description="Part of the toolkit.")
    ours: str = Field(description="What is measured.")
    against: str = Field(description="What it is compared with.")
    unit: str = Field(description="Unit of the values.")
    target: float | None = Field(description="Smallest ratio that is asked for.")
    our_values: tuple[float, ...] = Field(description="In `unit`, one a round.")
    their_values: tuple[float, ...] = Field(description="In `unit`, one a round.")
    ratios: tuple[float, ...] = Field(min_length=1, description="Ours over theirs, one a round.")
    bound: Bound = Field("", description="How the true ratio lies to it, where a side was ended.")
    note: str = Field("", description="What else has to be known.")
    seconds: float = Field(description="Wall-clock time that the row took.")
    machine: Machine = Field(description="What it was measured on.")

    @classmethod
    def of(cls, row: Row, found: Comparison, seconds: float, machine: Machine) -> RowResult:
        """The result of `row`, its rates in the row's unit."""
        ours, theirs = (
            tuple(row.unit.shown(lap.rate) for lap in laps) for laps in (found.ours, found.theirs)
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
            ratios=found.ratios,
            bound=found.bound,
            note=found.note,
            seconds=round(seconds, 1),
            machine=machine,
        )

    @property
    def ratio(self) -> float:
        """The median over the rounds."""
        return float(np.median(self.ratios))

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one. An upper bound cannot meet it."""
        if self.target is None:
            return None
        return self.ratio >= self.target and self.bound in ("", ">=")


class Results(Config):
    """All rows measured so far, in the order of the table."""

    command: str = Field("", description="What was typed last.")
    rows: tuple[RowResult, ...] = Field((), description="The table.")
    scaling: tuple[ScalingCurve, ...] = Field((), description="How cost grows.")

    @classmethod
    def read(cls, path: Path) -> Results:
        """What an earlier run left at `path`; nothing if there is none."""
        if not path.exists():
            return cls()
        return read_checked_as(path, cls, "remove it to measure all rows again")

    def with_row(self, result: RowResult, order: list[str]) -> Results:
        """`result` in the place of an older one; rows that `order` does not name come last."""
        rows = {row.name: row for row in self.rows} | {result.name: result}
        known = [name for name in order if name in rows]
        others = [name for name in rows if name not in order]
        return self._with(rows=tuple(rows[name] for name in (*known, *others)))

    def with_scaling(self, curves: tuple[ScalingCurve, ...]) -> Results:
        """`curves` in the place of older ones."""
        return self._with(scaling=curves)

    def save(self, path: Path) -> None:
        """Write what `read` reads."""
        write_checked(path, self)

    def _with(self, **changed: Any) -> Results:
        return self.model_copy(update=changed)
