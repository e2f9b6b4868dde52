"""A row of the benchmark's table, and the unit of its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agents.benchmark.bench import Bench
from agents.benchmark.limits import Work
from agents.benchmark.measure import Comparison


@dataclass(frozen=True)
class Unit:
    """Shows a rate as it is, or as the time that one piece of work takes.

    `scale` is 1000 for milliseconds and 1/60 for minutes.
    """

    name: str
    is_time: bool = False
    scale: float = 1.0

    def shown(self, rate: float) -> float:
        """Convert work per second to the number before `name`."""
        return self.scale / rate if self.is_time else self.scale * rate


@dataclass(frozen=True)
class Row:
    """One line of the table: two sides, and the ratio of their rates that is the target.

    `target` is the smallest ratio, None if the row only reports it. `limit` counts the least work
    of our side, or says in words what it cannot be faster than.
    """

    name: str
    group: str
    ours: str
    against: str
    unit: Unit
    target: float | None
    compare: Callable[[Bench], Comparison]
    limit: Callable[[Bench], Sequence[Work]] | str = ""
