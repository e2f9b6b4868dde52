"""Steps of the optimiser that are recorded once on a GPU, and replayed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch

from worldvae.training.batches import TensorBatch
from worldvae.training.cuda_graph import WARM_UP, Replay, beside, record
from worldvae.training.distributed import own_share
from worldvae.training.optimisation import Losses, Optimisation

Tensors = TypeVar("Tensors", bound=TensorBatch)


def can_record(device: torch.device) -> bool:
    """Tell whether steps on `device` are recorded: on a GPU, in a training of one process."""
    return device.type == "cuda" and own_share().processes == 1


@dataclass(frozen=True)
class _Recording(Generic[Tensors]):
    """A recorded step: the batch that a replay reads, and the losses that it writes."""

    batch: Tensors
    losses: Losses
    replay: Replay

    def play(self, batch: Tensors) -> Losses:
        """Make the recorded step with another batch of the same shapes."""
        read = self.batch.tensors()
        for name, part in batch.tensors().items():
            read[name].copy_(part)
        self.replay()
        loss, metrics = self.losses
        # The next replay writes there again.
        return loss.clone(), {name: value.clone() for name, value in metrics.items()}


class RecordedSteps(Generic[Tensors]):
    """Makes the same steps as `optimisation`, by replays once WARM_UP of them are made.

    What changes from step to step lies in tensors that a replay reads: the batch, the number of the
    step, on which schedules depend, and the learning rate; noise follows from the seed. If a step
    cannot be recorded, all are made kernel by kernel, and a warning says why.
    """

    def __init__(self, optimisation: Optimisation[Tensors]) -> None:
        self._optimisation = optimisation
        device = optimisation.device
        self._generator = torch.Generator(device)
        self._number = torch.zeros((), device=device)
        self._warming_up = WARM_UP
        self._can_record = True
        self._recording: _Recording[Tensors] | None = None

    def step(self, batch: Tensors, seed: int, number: int) -> Losses:
        """Make step `number` with the noise of `seed`; the batch lies on the device."""
        if not self._warming_up and self._can_record and self._recording is None:
            self._recording = self._record(batch)
        self._generator.manual_seed(seed)
        self._number.fill_(number)
        if self._recording is not None:
            return self._recording.play(batch)
        if not self._warming_up:
            return self._make(batch)
        self._warming_up -= 1
        with beside(self._optimisation.device):
            return self._make(batch)

    def _make(self, batch: Tensors) -> Losses:
        return self._optimisation.step(batch, self._generator, self._number)

    def _record(self, batch: Tensors) -> _Recording[Tensors] | None:
        """Record a step on a copy of `batch`; None if that cannot be done."""
        kept = batch.each(torch.clone)
        try:
            device = self._optimisation.device
            losses, replay = record(lambda: self._make(kept), device, self._generator)
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            warnings.warn(
                f"training goes on kernel by kernel, which is slower, since a step cannot be "
                f"recorded as a CUDA graph: {reason}",
                stacklevel=5,
            )
            self._can_record = False
            self._generator = torch.Generator(self._optimisation.device)  # of a broken record
            return None
        return _Recording(kept, losses, replay)
