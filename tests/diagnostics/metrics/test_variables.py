"""Which variables can be scored, by the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from worldvae.diagnostics.metrics import variables
from worldvae.diagnostics.metrics.variables import (
    Parts,
    Variable,
    class_numbers,
    entropy,
    reason_to_drop,
    variables_of,
)

RAMP = np.linspace(-1.0, 1.0, 100)


def reason(*parts: NDArray[np.float64], discrete: bool = False) -> str | None:
    return reason_to_drop(Variable("ball.x", discrete, Parts(*parts)))


def test_a_column_each_its_group_before_the_dot() -> None:
    state = Parts(*(np.arange(6).reshape(3, 2) + 10 * part for part in range(3)))
    x, mode = variables_of(state, ["ball.x", "mode"], [False, True])
    assert (x.name, x.group, x.discrete) == ("ball.x", "ball", False)
    assert (mode.name, mode.group, mode.discrete) == ("mode", "mode", True)
    assert mode.values.test.tolist() == [21.0, 23.0, 25.0]


def test_entropy_by_hand() -> None:
    assert entropy(np.array([4.0, 4.0, 9.0, 9.0])) == pytest.approx(np.log(2))
    assert entropy(np.array([1.0, 1.0, 1.0, 2.0])) == pytest.approx(0.5623, abs=1e-4)


@pytest.mark.parametrize(("ones", "kept"), [(500, True), (300, True), (280, False), (0, False)])
def test_variables_of_less_than_0_6_nats_are_dropped(ones: int, kept: bool) -> None:
    """With 30 % ones the entropy is 0.611 nats (0.88 of its largest value), with 28 % 0.593."""
    column = (np.arange(1000) < ones).astype(float)
    found = reason(column, column, column, discrete=True)
    assert (found is None) == kept
    assert kept or "nats, below 0.6" in str(found)


def test_the_threshold_itself_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    column = np.array([0.0, 1.0] * 10)
    monkeypatch.setattr(variables, "MIN_ENTROPY", entropy(column))
    assert reason(column, column, column, discrete=True) is None
    monkeypatch.setattr(variables, "MIN_ENTROPY", entropy(column) + 1e-9)
    assert reason(column, column, column, discrete=True)


@pytest.mark.parametrize(("part", "name"), list(enumerate(Parts._fields)))
@pytest.mark.parametrize("discrete", [True, False])
def test_a_variable_without_value_in_a_part_is_dropped(
    part: int, name: str, discrete: bool
) -> None:
    columns = [np.round(RAMP)] * 3
    columns[part] = np.full(len(RAMP), np.nan)
    assert reason(*columns, discrete=discrete) == f"has no value in the {name} part"


@pytest.mark.parametrize(("part", "name"), [(0, "train"), (2, "test")])
def test_a_constant_continuous_variable_is_dropped(part: int, name: str) -> None:
    columns = [RAMP] * 3
    columns[part] = np.full(len(RAMP), 7.0)
    assert reason(*columns) == f"constant in the {name} part"


@pytest.mark.parametrize(
    ("size", "kept"), [(1.0, True), (0.11, True), (0.09, False), (1e-6, False)]
)
def test_one_that_hardly_varies_in_the_test_part_is_dropped(size: float, kept: bool) -> None:
    """Wherever it lies, and beside rows without a value."""
    with_gaps = np.append(100 + size * RAMP, np.nan)
    found = reason(100 + RAMP, RAMP, with_gaps)
    assert (found is None) == kept
    words = f"hardly varies in the test part: deviation {size:.1g} of that in training"
    assert kept or found == words


def test_classes_are_places_among_the_values_of_training() -> None:
    parts = Parts(np.array([7.0, 3.0, 7.0]), np.array([3.0, np.nan]), np.array([5.0, 9.0, 7.0]))
    found = class_numbers(parts)
    assert [part.tolist() for part in found] == [[1, 0, 1], [0, -1], [2, 2, 1]]
