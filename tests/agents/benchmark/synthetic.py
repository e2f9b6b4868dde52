"""A clock that only moves when it is told to, and results that a test can know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.benchmark.machine import Machine
from agents.benchmark.measure import Side, Stopwatch
from agents.benchmark.results import RowResult

QUIET = Machine(
    command="python -m x",
    cores=2,
    cpu="Abacus",
    threads=1,
    device="cpu",
    load=0.0,
    versions={"torch": "9"},
)
NOISY = QUIET.model_copy(update={"load": 3.0})


class FakeClock:
    """Seconds as a number to be set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: Sequence[float], amount: float = 1.0) -> Side:
        """A side that does `amount` and takes the next of `seconds` at each call."""
        remaining = list(seconds)

        def side(_: Stopwatch) -> float:
            self.now += remaining.pop(0)
            return amount

        return side


def result(
    name: str = "encoder-8", ratios: Sequence[float] = (3, 4, 6), **changed: Any
) -> RowResult:
    """A row that was measured on a quiet machine, its target 4."""
    values = {
        "name": name,
        "group": "Encoder",
        "ours": "8 envs in one batch",
        "against": "one torch call an env",
        "unit": "ms",
        "target": 4.0,
        "our_values": tuple(1.0 for _ in ratios),
        "their_values": tuple(ratios),
        "ratios": tuple(ratios),
        "rate": 1.0,
        "seconds": 1.0,
        "machine": QUIET,
    }
    return RowResult.model_validate({**values, **changed})
