"""How numbers are written for readers."""

from __future__ import annotations

import math


def number(value: float, places: int) -> str:
    """Write a number: "1,234", "-0.52", "0.00" but never "-0.00"; what is not finite is "n/a"."""
    return f"{value:z,.{places}f}" if math.isfinite(value) else "n/a"


def percent(share: float | None, places: int = 0) -> str:
    """Write a share of one, such as "12 %"; None is "nothing"."""
    return "nothing" if share is None else f"{100 * share:z.{places}f} %"
