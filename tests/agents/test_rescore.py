"""What is printed of an agent that is scored again."""

import pytest

from agents.policy.evaluate import Score
from agents.rescore import score_lines
from worldvae.stats import Resampling


@pytest.mark.parametrize(
    ("returns", "row", "summary"),
    [
        ((0.912, 0.5), "0,0.912,30", "mean 0.706"),
        ((-3e-6, 1e-6), "0,-0.00000300,30", "mean -0.00000100"),
        ((812.34, 700.0), "0,812.3,30", "mean 756.2"),
    ],
)
def test_small_returns_are_read_too(returns: tuple[float, ...], row: str, summary: str) -> None:
    """Those of an environment that pays one at most were rounded to a tenth."""
    scores = [Score(seed, total, 30) for seed, total in enumerate(returns)]
    lines = list(score_lines("dream seed 0", scores, Resampling.seeded(0)))
    assert lines[:2] == ["seed,return,decisions", row]
    assert lines[-1].startswith(f"dream seed 0: {summary}, 95 %")
