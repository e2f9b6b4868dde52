import math
from types import SimpleNamespace

import pytest

from agents.report.decimals import Decimals, minutes, rate, shown_p


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


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0.0"), (741, "12.3"), (6_000, "100"), (74_040, "1,234")]
)
def test_minutes_have_a_decimal_below_a_hundred(seconds: float, shown: str) -> None:
    assert minutes(seconds) == shown


def test_a_rate_is_never_a_negative_zero() -> None:
    assert [rate(value) for value in (0.96, -0.2, -0.001)] == ["0.96", "-0.20", "0.00"]
