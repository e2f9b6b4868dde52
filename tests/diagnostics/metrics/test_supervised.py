"""The loss of the ceiling by hand; that it is one is tested with the health check."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.autoencoders.tiny import SHAPE, Frames, squares, tiny
from worldvae.autoencoders.model import Autoencoder
from worldvae.autoencoders.window import Window
from worldvae.diagnostics.metrics.supervised import (
    UNDEFINED,
    LabelledExamples,
    SupervisedNetwork,
    Task,
)
from worldvae.envs import StateVariable
from worldvae.training.config import FitConfig
from worldvae.training.fit import fit

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


def labelled(count: int, seed: int) -> LabelledExamples:
    """Every second of twice as many squares; x is the brightness of the middle of the frame."""
    frames = squares(2 * count, seed)
    rows = np.arange(0, 2 * count, 2)
    middle = frames[rows, 16, 18].mean(1) / 255
    state = np.stack([np.zeros(count), middle, np.zeros(count)], axis=1)
    task = Task(state, VARIABLES)
    return LabelledExamples(Frames(frames), Window(), rows, task.targets(state))  # type: ignore[arg-type]


def test_examples_are_the_chosen_frames_with_their_targets() -> None:
    examples = labelled(10, seed=0)
    batch = examples.read(np.array([7, 2]))
    assert torch.equal(batch.frames, torch.from_numpy(squares(20, 0)[[14, 4]]))
    assert torch.equal(batch.targets, torch.from_numpy(examples.targets[[7, 2]]))
    assert (len(examples), len(batch)) == (10, 2)


def test_the_network_learns_the_state_by_fit(tmp_path: Path) -> None:
    """To answer with the mean has a squared error of 1 in units of the deviation."""
    train, held_out = labelled(200, seed=1), labelled(50, seed=2)
    task = Task(np.stack([np.zeros(2), np.arange(2.0), np.zeros(2)], axis=1), VARIABLES)
    body = Autoencoder(tiny(name="ae"), SHAPE, seed=0)
    config = FitConfig(steps=60, batch_size=32, evaluate_every=30, learning_rate=3e-3)
    result = fit(SupervisedNetwork(body, task), train, held_out, config, tmp_path, seed=0)
    assert task.outputs == (0, 1, 0)
    assert result.metrics["loss"] < 0.5
