"""How numbers are written for readers."""

from __future__ import annotations

import math
from collections.abc import Iterable


def number(value: float, places: int) -> str:
    """Write a number: "1,234", "-0.52", "0.00" but never "-0.00"; what is not finite is "n/a"."""
    return f"{value:z,.{places}f}" if math.isfinite(value) else "n/a"


LEAST_POWER = -10
"""Power of ten below which numbers have no further decimal places."""


def places(values: Iterable[float]) -> int:
    """Return how many decimal places show three digits of the largest of `values`.

    There are none from 100 on, three below 1, eight below 0.00001; of zeros alone three.
    """
    largest = max((abs(value) for value in values if value), default=0.5)
    return sum(largest < 10.0**power for power in range(2, LEAST_POWER, -1))


def decisions_later(count: int) -> str:
    """Write how much later something is, such as "1 decision later"."""
    return f"{count:,} decision{'' if count == 1 else 's'} later"


def percent(share: float | None, places: int = 0) -> str:
    """Write a share of one, such as "12 %"; None is "nothing"."""
    return "nothing" if share is None else f"{100 * share:z.{places}f} %"
