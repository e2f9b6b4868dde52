"""One step of the optimiser: noise, loss, gradients and weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic

import torch
from torch import Tensor, nn

from worldvae.training.batches import AnyBatch
from worldvae.training.config import FitConfig
from worldvae.training.device import resolve_precision
from worldvae.training.distributed import shared_loss
from worldvae.training.trainable import Loss, Trainable

Losses = tuple[Tensor, dict[str, Tensor]]
"""The loss, without its history, and the metrics."""


class Optimisation(Generic[AnyBatch]):
    """A model with its optimiser, Adam (Kingma & Ba, 2015).

    Args:
        recordable: Whether what changes from step to step is kept in tensors of `device`, from
            which a recorded step can read it.
    """

    def __init__(
        self,
        model: Trainable[AnyBatch],
        config: FitConfig,
        device: torch.device,
        recordable: bool = False,
    ) -> None:
        self.model, self.config, self.device = model, config, device
        self.recordable = recordable
        self.precision = resolve_precision(config.precision, device)
        self._shared_loss = shared_loss(model)
        rate = config.learning_rate_at(0)
        self.optimizer = torch.optim.Adam(
            model.parameters(),
            torch.tensor(rate, device=device) if recordable else rate,
            fused=True,
            capturable=recordable,
        )

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over the state of the optimiser, be it one of another device."""
        own = [{"lr": group["lr"], "capturable": group["capturable"]} for group in self._groups]
        self.optimizer.load_state_dict(dict(state))
        for group, kept in zip(self._groups, own, strict=True):
            group.update(kept)

    def set_learning_rate(self, rate: float) -> None:
        """Let the next steps move weights by about `rate`."""
        for group in self._groups:
            if self.recordable:
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def step(self, batch: AnyBatch, generator: torch.Generator, step: int | Tensor) -> Losses:
        """Move the weights once; `step` is the number of the step from 0 on, or () of it."""
        self.optimizer.zero_grad()
        loss, metrics = self.compute(self._shared_loss, batch, generator, step)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.config.gradient_clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
        self.optimizer.step()
        return loss.detach(), metrics

    def compute(
        self,
        loss: Loss[AnyBatch],
        batch: AnyBatch,
        generator: torch.Generator,
        step: int | Tensor | None,
    ) -> Losses:
        """Return what `loss` says of the batch in the precision of this training."""
        bfloat16 = self.precision == "bfloat16"
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=bfloat16):
            return loss(batch, generator, step)

    @property
    def _groups(self) -> list[dict[str, Any]]:
        return self.optimizer.param_groups
