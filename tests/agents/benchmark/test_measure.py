"""What is counted and in which order, by a clock that the test moves by hand."""

from __future__ import annotations

import pytest

from agents.benchmark.measure import Comparison, Contest, Lap, Side, Stopwatch, measure, run_lap
from tests.agents.benchmark.synthetic import FakeClock


def test_a_ratio_is_our_rate_over_theirs_whatever_the_amounts() -> None:
    clock = FakeClock()
    ours, theirs = clock.work([9, 2], amount=100), clock.work([9, 5], amount=50)
    found = measure(Contest(ours, theirs), rounds=1, clock=clock)
    assert (found.ours[0].rate, found.theirs[0].rate) == (50, 10)
    assert found.ratios == (5,)


def test_the_median_of_the_rounds_counts_and_the_warm_up_does_not() -> None:
    clock = FakeClock()
    contest = Contest(clock.work([1000, 1, 2, 4]), clock.work([0.001, 4, 4, 4]))
    found = measure(contest, rounds=3, clock=clock)
    assert found.ratios == (4, 2, 1)
    assert found.median == 2


@pytest.mark.parametrize(
    ("warm_up", "expected"), [(True, "ab" + "ab" + "ba" + "ab"), (False, "ab" + "ba" + "ab")]
)
def test_who_begins_changes_from_round_to_round(warm_up: bool, expected: str) -> None:
    clock, order = FakeClock(), []

    def side(name: str) -> Side:
        def work(_: Stopwatch) -> float:
            order.append(name)
            clock.now += 1
            return 1

        return work

    measure(Contest(side("a"), side("b"), warm_up), rounds=3, clock=clock)
    assert "".join(order) == expected


def test_what_happens_while_the_watch_stands_is_not_counted() -> None:
    clock = FakeClock()

    def side(watch: Stopwatch) -> float:
        with watch.paused():
            clock.now += 100
        clock.now += 3
        watch.start()  # it runs already
        clock.now += 4
        watch.stop()
        watch.stop()
        clock.now += 100
        return 14

    lap = run_lap(side, clock)
    assert (lap.seconds, lap.rate) == (7, 2)


def test_a_running_watch_can_be_read() -> None:
    clock = FakeClock()
    watch = Stopwatch(clock)
    watch.start()
    clock.now = 2
    assert watch.seconds == 2
    watch.stop()
    clock.now = 9
    assert watch.seconds == 2


def test_a_side_that_gave_up_makes_the_ratio_a_bound() -> None:
    clock = FakeClock()

    def gives_up(watch: Stopwatch) -> float:
        clock.now += 40
        watch.mark_unfinished()
        return 1

    found = measure(Contest(clock.work([10]), gives_up, warm_up=False), rounds=1, clock=clock)
    assert (found.median, found.bound) == (4, ">=")


@pytest.mark.parametrize(
    ("ours", "theirs", "bound"),
    [(True, True, ""), (True, False, ">="), (False, True, "<="), (False, False, "?")],
)
def test_how_the_true_ratio_lies_to_the_measured_one(ours: bool, theirs: bool, bound: str) -> None:
    whole = Lap(1, 1)
    found = Comparison((whole, Lap(1, 1, ours)), (Lap(1, 1, theirs), whole))
    assert found.bound == bound
