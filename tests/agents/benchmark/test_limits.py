"""Counted work against the speeds of a machine."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from torch import nn

from agents.benchmark.limits import OTHER_SIDE, Work, describe_limit, operations
from agents.benchmark.measure import Comparison, Lap
from agents.benchmark.results import Results, RowResult
from agents.benchmark.rows import Row, Unit
from agents.benchmark.speeds import Speeds, measure_speeds
from tests.agents.benchmark.synthetic import QUIET

SPEEDS = Speeds(memory=20e9, float32=100e9, bfloat16=200e9, disk=1e9)


def test_the_work_that_takes_longest_is_the_limit() -> None:
    works = [
        Work(resource="memory", amount=40e3, of="a frame"),
        Work(resource="disk", amount=10e3, of="a frame"),
    ]
    assert works[1].share(2_000, SPEEDS) == pytest.approx(2_000 * 10e3 / 1e9)
    assert describe_limit(works, 2_000, SPEEDS) == "0.02 of disk (10 kB a frame)"
    product = Work(resource="bfloat16", amount=0.32e9, of="an image")
    assert describe_limit([product], 300, SPEEDS) == "0.48 of bfloat16 (320 MFLOP an image)"


def test_operations_are_those_of_products_and_convolutions_forward_and_backward() -> None:
    linear, image = nn.Linear(3, 5), nn.Conv2d(2, 7, 4, stride=2)
    batch, frames = torch.ones(11, 3), torch.ones(1, 2, 10, 10)
    product = 2 * 11 * 3 * 5
    assert operations(lambda: linear(batch)) == product
    assert operations(lambda: image(frames)) == 2 * (4 * 4) * (2 * 4 * 4) * 7
    # Backwards the weights have a gradient; the batch needs none.
    assert operations(lambda: linear(batch).sum().backward()) == 2 * product


def test_a_row_is_judged_by_its_median_rate_and_the_best_speeds_of_the_machine() -> None:
    compared = Comparison(tuple(Lap(rate, 1) for rate in (1, 5, 9)), (Lap(1, 1),) * 3)
    row = Row("x", "X", "ours", "theirs", Unit("frames/s"), None, lambda _: compared, OTHER_SIDE)
    works = [Work(resource="disk", amount=1e8, of="a frame")]
    result = RowResult.of(row, compared, 1.0, QUIET, works)
    assert (result.rate, result.limit) == (5, OTHER_SIDE), "nobody measured the machine"
    slow = SPEEDS.model_copy(update={"disk": 1e7, "memory": 50e9})
    machine = QUIET.faster(slow).faster(SPEEDS)
    assert machine.speeds == SPEEDS.model_copy(update={"memory": 50e9})
    (judged,) = Results(rows=(result,)).with_machine({"x"}, machine).rows
    assert judged.limit == "0.5 of disk (100 MB a frame)"
    assert "a file written at 1 GB/s" in str(machine)
    assert RowResult.of(row, compared, 1.0, machine).limit == OTHER_SIDE


def test_speeds_are_measured_and_nothing_is_left(tmp_path: Path) -> None:
    speeds = measure_speeds("cpu", time.perf_counter, tmp_path)
    assert all(speed > 1e6 for speed in dict(speeds).values())
    assert list(tmp_path.iterdir()) == []
