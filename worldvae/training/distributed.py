"""Several processes, started by torchrun, that train one model: who they are and who decides.

The first process alone collects, evaluates and writes; the others compute their share of each
batch, and wait for it. All see the same files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from worldvae.errors import ConfigError
from worldvae.training.batches import AnyBatch
from worldvae.training.share import Share
from worldvae.training.trainable import Loss, Trainable

T = TypeVar("T")

# While the first process collects rollouts, the others wait.
PATIENCE = timedelta(days=7)


@contextmanager
def processes() -> Iterator[Share]:
    """Join the processes that torchrun started, for the length of the block; alone without it.

    Gradients travel by NCCL between GPUs, one for each process, and by gloo between CPUs.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Share()
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group(timeout=PATIENCE)
    try:
        yield own_share()
        distributed.barrier()  # nobody takes its connections down while another still uses them
    finally:
        distributed.destroy_process_group()


def own_share() -> Share:
    """Which of the processes this one is."""
    if not distributed.is_initialized():
        return Share()
    return Share(distributed.get_rank(), distributed.get_world_size())


def first_does(work: Callable[[], T]) -> T:
    """Let the first process do `work` while the others wait; all get what it returns."""
    if not distributed.is_initialized():
        return work()
    result = [work() if distributed.get_rank() == 0 else None]
    distributed.broadcast_object_list(result)
    return cast(T, result[0])


def check_divisible(batch_size: int) -> None:
    """Raise ConfigError unless each process gets as many examples of a batch."""
    count = own_share().processes
    if batch_size % count:
        raise ConfigError(
            f"batch_size = {batch_size} cannot be shared by {count} processes alike; "
            f"use a multiple of {count}"
        )


def averaged(values: Tensor) -> Tensor:
    """The mean of `values` over the processes."""
    if distributed.is_initialized():
        distributed.all_reduce(values)
    return values / own_share().processes


def shared_loss(model: Trainable[AnyBatch]) -> Loss[AnyBatch]:
    """`model.loss`, whose gradients are averaged over the processes as they are computed."""
    if not distributed.is_initialized():
        return model.loss
    loss: Loss[AnyBatch] = DistributedDataParallel(_LossModule(model), broadcast_buffers=False)
    return loss


class _LossModule(nn.Module):
    """DistributedDataParallel averages the gradients of what `forward` computes."""

    def __init__(self, model: Trainable[Any]) -> None:
        super().__init__()
        self.model = model

    def forward(self, *arguments: Any) -> tuple[Tensor, dict[str, Tensor]]:
        return self.model.loss(*arguments)
