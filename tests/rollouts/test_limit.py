"""A limit that an environment keeps in its own step shows in the lengths of its episodes."""

from __future__ import annotations

import pytest

from tests.dynamics.coded import record
from worldvae.rollouts.limit import ending_limit, shown_limit
from worldvae.rollouts.manifest import Record


def truncated(*lengths: int) -> list[Record]:
    return [record(length, terminated=False) for length in lengths]


def test_all_that_is_truncated_is_equally_long_and_nothing_is_longer() -> None:
    ended = [record(length, terminated=True) for length in (3, 49, 50)]
    cut = record(20, terminated=False).model_copy(update={"cut": True})
    assert shown_limit([*truncated(50, 50, 50), *ended, cut], None) == 50


@pytest.mark.parametrize(
    "others",
    [truncated(40), [record(51, terminated=True)]],
    ids=["another is truncated sooner", "one that ended is longer"],
)
def test_what_contradicts_a_limit(others: list[Record]) -> None:
    assert shown_limit([*truncated(50, 50, 50), *others], None) is None


def test_few_truncations_may_be_chance_and_those_of_another_hand_show_nothing() -> None:
    assert shown_limit(truncated(50, 50), None) is None
    assert shown_limit(truncated(50, 50, 50), 50) is None
    assert shown_limit([], None) is None


def ended(*lengths: int) -> list[Record]:
    return [record(length, terminated=True) for length in lengths]


def test_a_limit_that_terminates_is_the_length_of_many_and_none_is_longer() -> None:
    assert ending_limit(ended(3, 20, 41, 50, 50, 50)) == 50
    assert ending_limit([*ended(3, 50, 50, 50), *truncated(60)]) is None
    assert ending_limit(ended(3, 20, 50, 50)) is None, "two may be chance"
    assert ending_limit([*ended(50, 50, 50), *ended(*range(1, 14))]) is None, "a few of many"
    assert ending_limit([]) is None
