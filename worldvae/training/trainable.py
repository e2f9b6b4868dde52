"""What `fit` knows of a model: a loss, weights, and a config that identifies it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from worldvae.config import Config
from worldvae.training.batches import AnyBatch, Batch

AnyBatch_contra = TypeVar("AnyBatch_contra", bound=Batch, contravariant=True)

Loss = Callable[[AnyBatch, torch.Generator, int | None], tuple[Tensor, dict[str, Tensor]]]


class Trainable(Protocol[AnyBatch_contra]):
    """All that `fit` knows of a model; any nn.Module with a config and such a loss will do."""

    @property
    def config(self) -> Config:
        """What the model is; part of a checkpoint's identity."""

    def loss(
        self, batch: AnyBatch_contra, generator: torch.Generator, step: int | None, /
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The scalar to minimise, a mean over the batch, and detached metrics, `loss` among them.

        All randomness is drawn from `generator`, so that a run resumes to the bit. `step` counts
        from 0; None asks for the objective as it is once its schedules are over, as evaluations do.
        """

    def parameters(self) -> Iterator[nn.Parameter]:
        """The weights that are learnt."""

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint has to keep of the model."""

    def load_state_dict(self, state_dict: Mapping[str, Any], /) -> Any:
        """Take over what `state_dict` gave."""

    def train(self, mode: bool, /) -> Any:
        """Say whether the model learns or is judged."""

    def to(self, device: torch.device, /) -> Any:
        """Move the weights to `device`."""
