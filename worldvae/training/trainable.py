"""What `fit` needs of a model: a loss, weights, and a config that identifies it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from worldvae.json_files import Content
from worldvae.training.batches import AnyBatch, Batch

AnyBatch_contra = TypeVar("AnyBatch_contra", bound=Batch, contravariant=True)

Loss = Callable[[AnyBatch, torch.Generator, int | Tensor | None], tuple[Tensor, dict[str, Tensor]]]


class Trainable(Protocol[AnyBatch_contra]):
    """A model that `fit` can train: any nn.Module with a `config` and such a `loss` is one."""

    @property
    def config(self) -> Content:
        """Return what the model is; a run resumes only with a model of the same config."""

    def loss(
        self, batch: AnyBatch_contra, generator: torch.Generator, step: int | Tensor | None, /
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the scalar to minimise, and detached metrics, of which one is named `loss`.

        Both are means over the batch. All noise has to be drawn from `generator`, so that a run
        resumes to the bit. `step` counts from 0. It is None in an evaluation, which asks for the
        objective once its schedules are over; the best weights are those of the smallest `loss` of
        an evaluation. There a batch leaves out what it says nothing about, be it `loss`.

        On a GPU a step is recorded once and replayed, so there `step` is a tensor () too. A loss
        that reads it as a Python number, or waits for the GPU or copies to it in another way,
        cannot be recorded: it is trained, more slowly. One that counts calls in Python goes wrong.
        """

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return the weights that are learnt."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that a checkpoint has to keep of the model."""

    def load_state_dict(self, state_dict: Mapping[str, Any], /) -> Any:
        """Take over what `state_dict` returned."""

    def train(self, mode: bool, /) -> Any:
        """Switch to training, or with False to evaluation."""
