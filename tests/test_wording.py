"""Numbers are written as readers expect them."""

from __future__ import annotations

import math

import pytest

from worldvae.wording import number, percent


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (1234.4, 0, "1,234"),
        (-0.518, 2, "-0.52"),
        (-0.001, 2, "0.00"),
        (math.nan, 2, "n/a"),
        (math.inf, 0, "n/a"),
    ],
)
def test_a_number(value: float, places: int, text: str) -> None:
    assert number(value, places) == text


@pytest.mark.parametrize(
    ("share", "places", "text"),
    [(0.123, 0, "12 %"), (1.0, 0, "100 %"), (0.0123, 1, "1.2 %"), (-0.0001, 1, "0.0 %")],
)
def test_a_share(share: float, places: int, text: str) -> None:
    assert percent(share, places) == text


def test_no_share_is_nothing() -> None:
    assert percent(None) == "nothing"
