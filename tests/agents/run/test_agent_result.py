"""What an agent's result says of its episodes."""

from __future__ import annotations

import pytest

from agents.run.agent_result import success_rate


@pytest.mark.parametrize(
    ("successes", "rate"),
    [
        ([True, True, False, False], 0.5),
        ([True, None, None, None], 0.25),
        ([False, None], 0.0),
        ([None, None], None),
        ([], None),
    ],
)
def test_an_episode_that_tells_nothing_where_others_do_has_failed(
    successes: list[bool | None], rate: float | None
) -> None:
    """Else environments that set `is_success` on success alone would never fail."""
    assert success_rate(successes) == rate
