"""How numbers are written: scores with the same decimal places in all of one comparison."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from agents.report.arm_summary import ArmSummary
from worldvae.wording import number, places


@dataclass(frozen=True)
class Decimals:
    """The decimal places that suit the size of some scores."""

    places: int

    @classmethod
    def of(cls, arms: Iterable[ArmSummary]) -> Decimals:
        """Return those that show three digits of the largest score of all `arms`."""
        return cls(places(value for arm in arms for value in arm.scores.values()))

    def show(self, value: float) -> str:
        """Format a score."""
        return number(value, self.places)

    def interval(self, low: float, high: float) -> str:
        """Format an interval, as in "1.2 to 3.4"; "no interval" if `low` is not finite."""
        return f"{self.show(low)} to {self.show(high)}" if np.isfinite(low) else "no interval"


def shown_p(p: float) -> str:
    """Format a p-value to be read after "p": "= 0.012", "< 0.001", below which nothing differs."""
    if not np.isfinite(p):
        return "= n/a"
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"


def rate(value: float) -> str:
    """Format a share or a difference of shares: "0.96", "-0.20" but never "-0.00"."""
    return number(value, 2)


def minutes(seconds: float) -> str:
    """Format seconds as minutes: "12.3", or "1,234" from 100 minutes on."""
    return f"{seconds / 60:,.0f}" if seconds >= 6000 else f"{seconds / 60:,.1f}"
