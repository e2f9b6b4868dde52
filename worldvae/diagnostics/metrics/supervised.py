"""The ceiling of the probes: the same network, trained end to end on the true state.

Shapes: B frames, Z latents, S state variables, K values of a discrete one.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from worldvae.autoencoders.model import Autoencoder, AutoencoderConfig
from worldvae.autoencoders.objectives import ObjectiveConfig
from worldvae.autoencoders.statistics import measure_pixels
from worldvae.diagnostics.examination import BATCH, Subject, encode, states_at
from worldvae.diagnostics.metrics.variables import Parts
from worldvae.envs import StateVariable
from worldvae.errors import ArtifactError
from worldvae.indices import evenly
from worldvae.rollouts import StoredFrames
from worldvae.seeding import derive, numpy_stream
from worldvae.torch_seeding import seeded_torch

TRAIN_FRAMES, VALIDATION_FRAMES, UNIT_FRAMES = 10_000, 1_000, 2_000
EPOCHS, PATIENCE = 6, 2
TRAINING_BATCH, LEARNING_RATE = 64, 2e-3
UNDEFINED = -1


@dataclass(frozen=True)
class Task:
    """What the true state asks of a network, as the training frames show it (B, S)."""

    state: NDArray[np.float64]
    variables: tuple[StateVariable, ...]

    @cached_property
    def outputs(self) -> tuple[int, ...]:
        """Numbers that a linear layer gives each variable: its values, or one; 0: constant."""
        counts = [len(known) for known in self._known]
        pairs = zip(self.variables, counts, strict=True)
        return tuple(0 if n < 2 else n if v.discrete else 1 for v, n in pairs)

    @cached_property
    def _known(self) -> list[NDArray[np.float64]]:
        """The values of each variable in training, sorted."""
        return [np.unique(column[~np.isnan(column)]) for column in self.state.T]

    def targets(self, state: NDArray[np.float64]) -> NDArray[np.float32]:
        """Class numbers (UNDEFINED without one) or standardised values (nan): (B, S) -> (B, S)."""
        columns = [
            self._classes(s, column) if v.discrete else self._standardised(s, column)
            for s, (v, column) in enumerate(zip(self.variables, state.T, strict=True))
        ]
        return np.stack(columns, axis=1).astype(np.float32)

    def _classes(self, s: int, column: NDArray[np.float64]) -> NDArray[np.float64]:
        known = self._known[s]
        if not len(known):
            return np.full(len(column), UNDEFINED, np.float64)
        places = np.searchsorted(known, column).clip(max=len(known) - 1)
        return np.where(known[places] == column, places, UNDEFINED).astype(np.float64)

    def _standardised(self, s: int, column: NDArray[np.float64]) -> NDArray[np.float64]:
        values = self.state[:, s][~np.isnan(self.state[:, s])]
        return (column - values.mean()) / (values.std() or 1.0) if len(values) else column

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Summed over variables, mean over frames: (B, sum of outputs), (B, S) -> scalar.

        Cross-entropy of a discrete variable, squared error of a standardised continuous one.
        """
        parts = torch.split(outputs, list(self.outputs), dim=1)
        rows = zip(parts, targets.T, self.variables, strict=True)
        losses = [_loss(part, target, v.discrete) for part, target, v in rows if part.shape[1]]
        return torch.stack(losses).sum() / len(targets)


def _loss(output: Tensor, target: Tensor, discrete: bool) -> Tensor:
    """Of one variable, summed over the frames that define it: (B, K), (B,) -> scalar."""
    if discrete:
        return cross_entropy(output, target.long(), ignore_index=UNDEFINED, reduction="sum")
    return (output[:, 0] - target).nan_to_num(0.0).square().sum()


@dataclass(frozen=True)
class _Labelled:
    """Examples of one split and their targets (B, S)."""

    source: StoredFrames
    rows: NDArray[np.int64]
    targets: NDArray[np.float32]


class SupervisedNetwork(nn.Module):
    """The encoder of an autoencoder, and a linear layer that reads the state off its code."""

    def __init__(self, body: Autoencoder, outputs: int) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(body.config.network.latents, outputs)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, H, W, stack C) uint8 -> (B, outputs)."""
        output: Tensor = self.head(self.body.encode(frames).mean)
        return output


def supervised_codes(subject: Subject, seed: int, limit: int) -> Parts:
    """Codes of the frames of `draw_samples` with the same `limit`, by the trained network.

    Its last layer is linear, so what a linear probe reads of these codes it has learned to show.
    Raises ArtifactError if no variable varies.
    """
    task, parts = _labelled(subject)
    network = _network(subject, task, seed)
    _fit(network, task, parts, subject, seed)
    pairs = zip(subject.splits, subject.rows(limit), strict=True)
    return Parts(*(_codes(subject, network.body, split, rows) for split, rows in pairs))


def _labelled(subject: Subject) -> tuple[Task, tuple[_Labelled, _Labelled]]:
    """Training and validation examples, and the task that the former define."""
    chosen = [
        (source, evenly(len(source), limit))
        for source, limit in zip(subject.splits[:2], (TRAIN_FRAMES, VALIDATION_FRAMES), strict=True)
    ]
    states = [states_at(subject.store, source, rows) for source, rows in chosen]
    task = Task(states[0], subject.store.state_variables)
    if not sum(task.outputs):
        raise ArtifactError(
            "no state variable varies over the training frames; collect more episodes"
        )
    train, validation = (
        _Labelled(source, rows, task.targets(state))
        for (source, rows), state in zip(chosen, states, strict=True)
    )
    return task, (train, validation)


def _network(subject: Subject, task: Task, seed: int) -> SupervisedNetwork:
    # In units of each pixel's own deviation small objects are seen from the first step on.
    objective = ObjectiveConfig(name="ae", standardise=True)
    config = AutoencoderConfig(network=subject.model.config.network, objective=objective)
    units = measure_pixels(subject.splits.train, subject.window, UNIT_FRAMES)
    body = Autoencoder(config, subject.model.shape, derive(seed, "supervised"), units)
    with seeded_torch(derive(seed, "supervised", "head")):
        return SupervisedNetwork(body, sum(task.outputs))


def _fit(
    network: SupervisedNetwork,
    task: Task,
    parts: tuple[_Labelled, _Labelled],
    subject: Subject,
    seed: int,
) -> None:
    """Epochs of Adam, until validation has not improved for PATIENCE; keeps the best weights."""
    train, validation = parts
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1 / EPOCHS, EPOCHS - 1)
    order = numpy_stream(seed, "supervised", "order")
    best, best_weights, waited = np.inf, network.state_dict(), 0
    for _ in range(EPOCHS):
        for rows in _batches(order.permutation(len(train.rows)), TRAINING_BATCH):
            optimizer.zero_grad()
            loss = _batch_loss(network, task, train, rows, subject)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        decay.step()
        held_out = _mean_loss(network, task, validation, subject)
        waited = 0 if held_out < best else waited + 1
        if held_out < best:
            best, best_weights = held_out, deepcopy(network.state_dict())
        if waited == PATIENCE:
            break
    network.load_state_dict(best_weights)


@torch.inference_mode()
def _mean_loss(network: SupervisedNetwork, task: Task, part: _Labelled, subject: Subject) -> float:
    batches = _batches(np.arange(len(part.rows)), BATCH)
    total = sum(
        float(_batch_loss(network, task, part, rows, subject)) * len(rows) for rows in batches
    )
    return total / len(part.rows)


def _batch_loss(
    network: SupervisedNetwork,
    task: Task,
    part: _Labelled,
    rows: NDArray[np.int64],
    subject: Subject,
) -> Tensor:
    inputs = subject.window.inputs(part.source.gather(part.rows[rows]))
    frames = torch.from_numpy(np.ascontiguousarray(inputs))
    return task.loss(network(frames), torch.from_numpy(part.targets[rows]))


def _batches(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return np.split(rows, range(size, len(rows), size))


def _codes(
    subject: Subject, body: Autoencoder, source: StoredFrames, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """(B,) -> (B, Z)."""
    batches = _batches(rows, BATCH)
    return np.concatenate(
        [encode(body, subject.window.inputs(source.gather(batch))) for batch in batches]
    )
