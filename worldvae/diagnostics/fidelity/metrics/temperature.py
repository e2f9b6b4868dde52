"""The choice of a temperature, by validation episodes."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from worldvae.diagnostics.fidelity.metrics.bootstrap import Interval
from worldvae.json_files import Content

TEMPERATURES = (0.7, 0.85, 1.0, 1.15, 1.3)
USUAL = 1.0


class TemperatureScore(Content):
    """How far dreams of one temperature are from validation episodes; less is better."""

    temperature: float
    energy: float = Field(
        description="Energy score / that of draws of training codes, mean over horizons."
    )
    survival: float = Field(
        description="Distance of the shares of dreams and of episodes that go on, mean over steps."
    )
    excess: Interval = Field(description="Sum of both, less that of the best temperature.")

    @property
    def total(self) -> float:
        """The sum of both, by which temperatures are chosen."""
        return self.energy + self.survival

    @property
    def is_level(self) -> bool:
        """Whether it cannot be told from the best; with a single episode none can."""
        return self.excess.low is None or self.excess.low <= 0


def choose_temperature(scores: Sequence[TemperatureScore]) -> float:
    """Return the temperature of the least total; of those level with it the nearest to 1."""
    level = [score.temperature for score in scores if score.is_level]
    return min(level, key=lambda each: (abs(each - USUAL), each))
