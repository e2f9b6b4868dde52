"""The loss of the ceiling by hand; that it is one is tested with the health check."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from worldvae.diagnostics.metrics.supervised import UNDEFINED, Task
from worldvae.envs import StateVariable

nan = math.nan
VARIABLES = (
    StateVariable(name="lives", discrete=True),
    StateVariable(name="x", discrete=False),
    StateVariable(name="level", discrete=True),
)
# lives takes 3 values; x has mean 2 and deviation 1; level never changes.
TRAINING = np.array([[0, 1, 7], [5, 3, 7], [9, 1, 7], [9, 3, 7], [9, nan, 7]], np.float64)
TASK = Task(TRAINING, VARIABLES)


def test_each_variable_gets_the_outputs_it_needs() -> None:
    assert TASK.outputs == (3, 1, 0)


def test_values_become_class_numbers_and_deviations() -> None:
    targets = TASK.targets(np.array([[9, 4, 7], [4, nan, 7], [nan, 1, 7]]))
    np.testing.assert_array_equal(targets[:, 0], [2, UNDEFINED, UNDEFINED])
    np.testing.assert_array_equal(targets[:, 1], [2.0, nan, -1.0])


def test_the_loss_sums_cross_entropy_and_squared_error() -> None:
    outputs = torch.tensor([[0.0, 0.0, 0.0, 1.5], [0.0, 0.0, 0.0, 4.0]])
    targets = torch.tensor([[2.0, 2.0, 0.0], [UNDEFINED, nan, 0.0]])
    expected = (math.log(3) + 0.5**2) / 2
    assert float(TASK.loss(outputs, targets)) == pytest.approx(expected)


def test_what_is_undefined_sends_no_gradient() -> None:
    outputs = torch.ones((1, 4), requires_grad=True)
    TASK.loss(outputs, torch.tensor([[UNDEFINED, nan, 0.0]])).backward()  # type: ignore[no-untyped-call]
    assert outputs.grad is not None
    assert not outputs.grad.any()
