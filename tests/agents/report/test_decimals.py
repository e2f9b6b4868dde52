import math

import pytest

from agents.report.decimals import shown_p


@pytest.mark.parametrize(
    ("p", "shown"),
    [(0.0123, "= 0.012"), (0.001, "= 0.001"), (4e-6, "< 0.001"), (1, "= 1"), (math.nan, "= n/a")],
)
def test_p_is_read_as_an_equation(p: float, shown: str) -> None:
    assert shown_p(p) == shown
