import math
from types import SimpleNamespace

import pytest

from agents.report.decimals import Decimals, shown_p


@pytest.mark.parametrize(
    ("scores", "shown"),
    [
        ((812.3, -5.1), "-5"),
        ((20.5, -5.1), "-5.1"),
        ((0.9, -0.51), "-0.510"),
        ((0.0, 0.0), "0.000"),
        ((0.0123, -0.0051), "-0.0051"),
        ((3e-6, -5e-7), "-0.00000050"),
        ((1e-30, 0.0), "0.000000000000"),
    ],
)
def test_the_largest_score_has_three_digits(scores: tuple[float, ...], shown: str) -> None:
    arms = [SimpleNamespace(scores=dict(enumerate(scores)))]
    assert Decimals.of(arms).show(scores[-1]) == shown  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("p", "shown"),
    [(0.0123, "= 0.012"), (0.001, "= 0.001"), (4e-6, "< 0.001"), (1, "= 1"), (math.nan, "= n/a")],
)
def test_p_is_read_as_an_equation(p: float, shown: str) -> None:
    assert shown_p(p) == shown
