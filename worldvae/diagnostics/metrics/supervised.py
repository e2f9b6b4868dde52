"""The ceiling of the probes: the same network, trained end to end on the true state.

Shapes: B frames, Z latents, S state variables, K values of a discrete one.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from worldvae.autoencoders.config import AutoencoderConfig
from worldvae.autoencoders.model import Autoencoder
from worldvae.autoencoders.objectives import AE
from worldvae.autoencoders.statistics import measure_pixels
from worldvae.autoencoders.window import Window
from worldvae.diagnostics.examination import BATCH, Subject, encode, states_at
from worldvae.diagnostics.metrics.linear_models import UNDEFINED
from worldvae.diagnostics.metrics.variables import Parts
from worldvae.diagnostics.splits import Splits
from worldvae.envs import StateVariable
from worldvae.errors import ArtifactError
from worldvae.indices import evenly
from worldvae.rollouts import StoredFrames
from worldvae.seeding import derive
from worldvae.torch_seeding import seeded_torch
from worldvae.training.batches import TensorBatch
from worldvae.training.config import FitConfig
from worldvae.training.fit import fit

TRAIN_FRAMES, VALIDATION_FRAMES, UNIT_FRAMES = 10_000, 1_000, 2_000
EPOCHS, PATIENCE = 6, 2
TRAINING_BATCH, LEARNING_RATE = 64, 2e-3


@dataclass(frozen=True)
class Task:
    """The prediction of the true state, defined by the states of the training frames (B, S)."""

    state: NDArray[np.float64]
    variables: tuple[StateVariable, ...]

    @cached_property
    def outputs(self) -> tuple[int, ...]:
        """The number of outputs for each variable.

        It is the number of values of a discrete variable, 1 for a continuous one, and 0 for a
        constant.
        """
        counts = [len(values) for values in self._values]
        pairs = zip(self.variables, counts, strict=True)
        return tuple(0 if n < 2 else n if v.discrete else 1 for v, n in pairs)

    @cached_property
    def _values(self) -> list[NDArray[np.float64]]:
        """The sorted values of each variable in training."""
        return [np.unique(column[~np.isnan(column)]) for column in self.state.T]

    def targets(self, state: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return class numbers or standardised values of the states: (B, S) -> (B, S).

        UNDEFINED stands for a missing value of a discrete variable and for one that training does
        not have, nan for a missing one of a continuous variable.
        """
        columns = [
            self._classes(s, column) if v.discrete else self._standardised(s, column)
            for s, (v, column) in enumerate(zip(self.variables, state.T, strict=True))
        ]
        return np.stack(columns, axis=1).astype(np.float32)

    def _classes(self, s: int, column: NDArray[np.float64]) -> NDArray[np.float64]:
        values = self._values[s]
        if not len(values):
            return np.full(len(column), UNDEFINED, np.float64)
        numbers = np.searchsorted(values, column).clip(max=len(values) - 1)
        return np.where(values[numbers] == column, numbers, UNDEFINED).astype(np.float64)

    def _standardised(self, s: int, column: NDArray[np.float64]) -> NDArray[np.float64]:
        values = self.state[:, s][~np.isnan(self.state[:, s])]
        return (column - values.mean()) / (values.std() or 1.0) if len(values) else column

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss, summed over variables, mean over frames.

        (B, sum of outputs), (B, S) -> scalar. It is the cross-entropy of a discrete variable, and
        the squared error of a standardised continuous one.
        """
        parts = torch.split(outputs, list(self.outputs), dim=1)
        rows = zip(parts, targets.T, self.variables, strict=True)
        losses = [_loss(part, target, v.discrete) for part, target, v in rows if part.shape[1]]
        return torch.stack(losses).sum() / len(targets)


def _loss(output: Tensor, target: Tensor, discrete: bool) -> Tensor:
    """Sum the loss of one variable over the frames that define it: (B, K), (B,) -> scalar."""
    if discrete:
        return cross_entropy(output, target.long(), ignore_index=UNDEFINED, reduction="sum")
    return (output[:, 0] - target).nan_to_num(0.0).square().sum()


@dataclass(frozen=True)
class LabelledBatch(TensorBatch):
    """Inputs of the encoder (B, H, W, stack C) uint8 and their targets (B, S) float32."""

    frames: Tensor
    targets: Tensor


@dataclass(frozen=True)
class LabelledExamples:
    """Windows of one split, chosen by their `rows`, with the targets (B, S) of each."""

    source: StoredFrames
    window: Window
    rows: NDArray[np.int64]
    targets: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, indices: NDArray[np.int64]) -> LabelledBatch:
        """Return the examples at `indices` (B,)."""
        inputs = self.window.inputs(self.source.gather(self.rows[indices]))
        frames = torch.from_numpy(np.ascontiguousarray(inputs))
        return LabelledBatch(frames, torch.from_numpy(self.targets[indices]))

    @property
    def identity(self) -> dict[str, Any]:
        """The number of examples, which is enough since the checkpoint lasts for this run only."""
        return {"examples": len(self)}


class SupervisedNetwork(nn.Module):
    """The encoder of an autoencoder with a linear layer that predicts the state from its code."""

    def __init__(self, body: Autoencoder, task: Task) -> None:
        super().__init__()
        self.body, self.task = body, task
        self.config = body.config
        self.head = nn.Linear(body.config.network.latents, sum(task.outputs))

    def forward(self, frames: Tensor) -> Tensor:
        """Predict the state: (B, H, W, stack C) uint8 -> (B, outputs)."""
        output: Tensor = self.head(self.body.encode(frames).mean)
        return output

    def loss(
        self, batch: LabelledBatch, generator: torch.Generator, step: int | Tensor | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of the task; neither `generator` nor `step` is used."""
        loss = self.task.loss(self(batch.frames), batch.targets)
        return loss, {"loss": loss.detach()}


def supervised_codes(subject: Subject, seed: int, limit: int) -> Parts:
    """Train the network on the state, and encode the frames of `draw_samples` of the same `limit`.

    Since its last layer is linear, the network learns codes from which a linear probe can predict
    the state. Raises ArtifactError if no variable varies.
    """
    task, train, validation = _labelled(subject)
    network = _network(subject, task, seed).to(next(subject.model.parameters()).device)
    with tempfile.TemporaryDirectory() as folder:
        fit(network, train, validation, _fitting(len(train)), Path(folder), seed)
    pairs = zip(subject.splits, subject.rows(limit), strict=True)
    return Splits(*(_codes(subject, network.body, split, rows) for split, rows in pairs))


def _fitting(examples: int) -> FitConfig:
    """Return the settings of EPOCHS over the training examples, with an evaluation after each."""
    epoch = -(-examples // TRAINING_BATCH)
    return FitConfig(
        steps=EPOCHS * epoch,
        batch_size=TRAINING_BATCH,
        learning_rate=LEARNING_RATE,
        evaluate_every=epoch,
        validation_frames=VALIDATION_FRAMES,
        patience=PATIENCE,
        precision="float32",
    )


def _labelled(subject: Subject) -> tuple[Task, LabelledExamples, LabelledExamples]:
    """Return the task that the training examples define, and the examples of both splits."""
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
        LabelledExamples(source, subject.window, rows, task.targets(state))
        for (source, rows), state in zip(chosen, states, strict=True)
    )
    return task, train, validation


def _network(subject: Subject, task: Task, seed: int) -> SupervisedNetwork:
    # In units of each pixel's own deviation small objects count from the first step on.
    config = AutoencoderConfig(network=subject.model.config.network, objective=AE())
    units = measure_pixels(subject.splits.train, subject.window, UNIT_FRAMES)
    body = Autoencoder(config, subject.model.shape, derive(seed, "supervised"), units)
    with seeded_torch(derive(seed, "supervised", "head")):
        return SupervisedNetwork(body, task)


def _codes(
    subject: Subject, body: Autoencoder, source: StoredFrames, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Encode the examples at `rows`: (B,) -> (B, Z)."""
    batches = np.split(rows, range(BATCH, len(rows), BATCH))
    return np.concatenate(
        [encode(body, subject.window.inputs(source.gather(batch))) for batch in batches]
    )
