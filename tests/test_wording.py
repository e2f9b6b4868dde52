"""Numbers are written as readers expect them."""

from __future__ import annotations

import math

import pytest

from worldvae.wording import decisions_later, number, percent, places


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
    ("values", "expected"),
    [
        ((812.3, -5.1), 0),
        ((-20.5, 5.1), 1),
        ((0.9, -0.51), 3),
        ((0.0, 0.0), 3),
        ((), 3),
        ((0.0123, 0.0), 4),
        ((3e-6, -5e-7), 8),
        ((1e-30,), 12),
    ],
)
def test_places_show_three_digits_of_the_largest(values: tuple[float, ...], expected: int) -> None:
    assert places(values) == expected


@pytest.mark.parametrize(
    ("share", "places", "text"),
    [(0.123, 0, "12 %"), (1.0, 0, "100 %"), (0.0123, 1, "1.2 %"), (-0.0001, 1, "0.0 %")],
)
def test_a_share(share: float, places: int, text: str) -> None:
    assert percent(share, places) == text


def test_no_share_is_nothing() -> None:
    assert percent(None) == "nothing"


def test_how_much_later() -> None:
    assert [decisions_later(count) for count in (1, 2)] == ["1 decision later", "2 decisions later"]
