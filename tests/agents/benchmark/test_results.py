"""What is kept of a comparison."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.benchmark.measure import Comparison, Lap
from agents.benchmark.results import BENCHMARK, Results, RowResult, read_results
from agents.benchmark.rows import Row, Unit
from agents.benchmark.scaling.curve import ScalingCurve
from tests.agents.benchmark.synthetic import QUIET, result
from worldvae.errors import WorldvaeError


def found(unit: Unit, *seconds: float) -> RowResult:
    laps = tuple(Lap(2, ours) for ours in seconds)
    compared = Comparison(laps, tuple(Lap(2, 4) for _ in seconds), "a note")
    row = Row("x", "X", "ours", "theirs", unit, 2.0, lambda _: compared)
    return RowResult.of(row, compared, 1.26, QUIET)


def test_rates_are_shown_in_the_unit_of_the_row() -> None:
    assert found(Unit("frames/s"), 1).our_values == (2,)
    assert found(Unit("ms", is_time=True, scale=1000), 1).our_values == (500,)
    assert found(Unit("min", is_time=True, scale=1 / 60), 240).our_values == pytest.approx((2,))
    assert found(Unit("frames/s"), 1).note == "a note"


@pytest.mark.parametrize(
    ("ratios", "bound", "met"),
    [((1, 4, 9), "", True), ((1, 3, 9), "", False), ((5,), ">=", True), ((5,), "<=", False)],
)
def test_the_median_has_to_reach_the_target(
    ratios: tuple[float, ...], bound: str, met: bool
) -> None:
    assert result(ratios=ratios, bound=bound).met is met


def test_without_a_target_nothing_is_met_or_missed() -> None:
    assert result(target=None).met is None


def test_a_row_takes_the_place_of_its_older_self_in_the_order_of_the_table(tmp_path: Path) -> None:
    order = ["a", "b", "c"]
    results = Results()
    for name, ratio in (("gone", 1), ("c", 2), ("a", 3), ("c", 4)):
        results = results.with_row(result(name, (ratio,)), order)
    BENCHMARK.write(tmp_path, results)
    again = read_results(tmp_path)
    assert [(row.name, row.ratio) for row in again.rows] == [("a", 3), ("c", 4), ("gone", 1)]
    assert again == results


def test_curves_take_the_place_of_older_ones_of_their_stage() -> None:
    def curve(stage: str, cost: float) -> ScalingCurve:
        same = {"quantity": "n", "cost": "s", "expected": 1, "x": (1, 2)}
        return ScalingCurve.model_validate({"stage": stage, "y": (cost, cost), **same})

    results, stages = Results(), ["a", "b", "c"]
    for measured in ([curve("c", 1), curve("c", 2)], [curve("a", 3)], [curve("c", 4)]):
        results = results.with_scaling(measured, stages)
    assert [(one.stage, one.y[0]) for one in results.scaling] == [("a", 3), ("c", 4)]
    assert results.with_scaling([], ["a"]).scaling == (curve("a", 3),), "stages that are gone"


def test_nothing_was_measured_yet(tmp_path: Path) -> None:
    assert read_results(tmp_path) == Results()


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "benchmark.json"
    path.write_text('{"rows": [')
    with pytest.raises(WorldvaeError, match="remove it to measure all rows again"):
        read_results(tmp_path)
