"""Counted work against the speeds of a machine."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from torch import nn

from agents.benchmark.limits import OTHER_SIDE, Work, WorkLimit, operations
from agents.benchmark.measure import Comparison, Lap
from agents.benchmark.results import RowResult
from agents.benchmark.rows import Row, Unit
from agents.benchmark.speeds import Speeds, measure_speeds
from tests.agents.benchmark.synthetic import QUIET

SPEEDS = Speeds(memory=20e9, float32=100e9, bfloat16=200e9, disk=1e9)


def test_the_work_that_takes_longest_is_the_limit() -> None:
    works = Work("memory", 40e3, "a frame"), Work("disk", 10e3, "a frame")
    limit = WorkLimit.of_rate(works, rate=2_000, speeds=SPEEDS)
    assert (limit.resource, limit.share) == ("disk", pytest.approx(2_000 * 10e3 / 1e9))
    assert str(limit) == "0.02 of disk (10 kB a frame)"
    product = WorkLimit.of_rate([Work("bfloat16", 0.32e9, "an image")], 300, SPEEDS)
    assert str(product) == "0.48 of bfloat16 (320 MFLOP an image)"


def test_operations_are_those_of_products_and_convolutions_forward_and_backward() -> None:
    linear, image = nn.Linear(3, 5), nn.Conv2d(2, 7, 4, stride=2)
    batch, frames = torch.ones(11, 3), torch.ones(1, 2, 10, 10)
    product = 2 * 11 * 3 * 5
    assert operations(lambda: linear(batch)) == product
    assert operations(lambda: image(frames)) == 2 * (4 * 4) * (2 * 4 * 4) * 7
    # Backwards the weights have a gradient; the batch needs none.
    assert operations(lambda: linear(batch).sum().backward()) == 2 * product


def test_a_row_is_judged_by_its_median_rate_on_a_machine_whose_speeds_are_known() -> None:
    compared = Comparison(tuple(Lap(rate, 1) for rate in (1, 5, 9)), (Lap(1, 1),) * 3)
    row = Row("x", "X", "ours", "theirs", Unit("frames/s"), None, lambda _: compared, OTHER_SIDE)
    works = [Work("disk", 1e8, "a frame")]
    machine = QUIET.model_copy(update={"speeds": SPEEDS})
    judged = RowResult.of(row, compared, 1.0, machine, works).limit
    assert isinstance(judged, WorkLimit)
    assert judged.share == pytest.approx(0.5)
    assert RowResult.of(row, compared, 1.0, QUIET, works).limit == OTHER_SIDE
    assert RowResult.of(row, compared, 1.0, machine).limit == OTHER_SIDE
    assert "a file written at 1 GB/s" in str(machine)


def test_speeds_are_measured_and_nothing_is_left(tmp_path: Path) -> None:
    speeds = measure_speeds("cpu", time.perf_counter, tmp_path)
    assert all(speed > 1e6 for speed in dict(speeds).values())
    assert list(tmp_path.iterdir()) == []
