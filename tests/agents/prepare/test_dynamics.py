"""What is said once dynamics are checked."""

import pytest

from agents.prepare.dynamics import advise_horizon
from tests.diagnostics.fidelity.worlds import fidelity

TRUSTED = 24
JUDGED = fidelity().codes.horizons[-1]


@pytest.mark.parametrize(
    ("horizon", "trusted", "advised"),
    [
        (TRUSTED + 1, TRUSTED, f"{TRUSTED} ends dreams there"),
        (JUDGED + 100, TRUSTED, f"{TRUSTED} ends dreams there"),
        (TRUSTED, TRUSTED, ""),
        (JUDGED + 100, JUDGED, f"is longer than the {JUDGED} decisions that were judged"),
        (JUDGED, JUDGED, ""),
        (JUDGED, 0, ""),  # dreams that are not trusted at all need more than an end
    ],
)
def test_dreams_end_where_they_are_trusted_no_longer(
    horizon: int, trusted: int, advised: str
) -> None:
    check = fidelity().model_copy(update={"horizon": trusted})
    line = advise_horizon(horizon, check)
    assert advised in line
    assert bool(line) == bool(advised)


def test_an_unfit_dream_is_trusted_for_no_decision_that_an_end_could_keep() -> None:
    check = fidelity().model_copy(update={"horizon": TRUSTED, "verdict": "unfit"})
    assert advise_horizon(JUDGED, check) == ""
