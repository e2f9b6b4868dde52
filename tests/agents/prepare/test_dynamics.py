"""What is said once dynamics are checked."""

import pytest

from agents.prepare.dynamics import advise_horizon
from tests.diagnostics.fidelity.worlds import fidelity

TRUSTED = 24
JUDGED = fidelity().codes.horizons[-1]


@pytest.mark.parametrize(
    ("horizon", "trusted", "advised"),
    [
        (TRUSTED + 1, TRUSTED, True),
        (JUDGED + 100, TRUSTED, True),
        (TRUSTED, TRUSTED, False),
        (JUDGED + 100, JUDGED, False),  # nothing speaks against more than was judged
        (JUDGED, 0, False),  # dreams that are not trusted at all need more than an end
    ],
)
def test_dreams_end_where_they_are_trusted_no_longer(
    horizon: int, trusted: int, advised: bool
) -> None:
    check = fidelity().model_copy(update={"horizon": trusted})
    line = advise_horizon(horizon, check)
    assert bool(line) == advised
    assert not line or f"{TRUSTED} ends dreams there" in line
