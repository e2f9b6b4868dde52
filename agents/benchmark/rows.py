"""What a line of the table is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agents.benchmark.bench import Bench
from agents.benchmark.measure import Comparison


@dataclass(frozen=True)
class Unit:
    """How a rate is shown: as it is, or as the time that one piece of work takes.

    `scale` is 1000 for milliseconds and 1/60 for minutes.
    """

    name: str
    is_time: bool = False
    scale: float = 1.0

    def shown(self, rate: float) -> float:
        """Work a second -> the number before `name`."""
        return self.scale / rate if self.is_time else self.scale * rate


@dataclass(frozen=True)
class Row:
    """One figure: ours against theirs, and the ratio that it should reach.

    `target` is the smallest ratio, None where the figure is only reported.
    """

    name: str
    group: str
    ours: str
    against: str
    unit: Unit
    target: float | None
    compare: Callable[[Bench], Comparison]
