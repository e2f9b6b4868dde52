"""Training of one model by several processes, which torchrun starts.

Each process computes its share of every batch. The first one also collects, evaluates and writes
while the others wait. All of them see the same files.
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
from worldvae.training.torchrun import started_processes
from worldvae.training.trainable import Loss, Trainable

T = TypeVar("T")

# While the first process collects rollouts, the others wait.
PATIENCE = timedelta(days=7)


@contextmanager
def processes() -> Iterator[Share]:
    """Join the processes that torchrun started, for the length of the block; without it do nothing.

    Gradients travel by NCCL between GPUs, one GPU for each process, and by gloo between CPUs.
    """
    if started_processes() == 1:
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
    """Return which of the processes this one is, and how many there are."""
    if not distributed.is_initialized():
        return Share()
    return Share(distributed.get_rank(), distributed.get_world_size())


def first_does(work: Callable[[], T]) -> T:
    """Call `work` in the first process while the others wait; return its result in all of them."""
    if not distributed.is_initialized():
        return work()
    result = [work() if distributed.get_rank() == 0 else None]
    distributed.broadcast_object_list(result)
    return cast(T, result[0])


def check_divisible(batch_size: int) -> None:
    """Raise ConfigError unless the examples of a batch can be divided equally by the processes."""
    count = own_share().processes
    if batch_size % count:
        raise ConfigError(
            f"batch_size = {batch_size} cannot be shared by {count} processes alike; "
            f"use a multiple of {count}"
        )


def averaged(values: Tensor) -> Tensor:
    """Return the mean of `values` over the processes."""
    if distributed.is_initialized():
        distributed.all_reduce(values)
    return values / own_share().processes


def shared_loss(model: Trainable[AnyBatch]) -> Loss[AnyBatch]:
    """Return `model.loss`; its gradients are averaged over the processes as they are computed."""
    if not distributed.is_initialized():
        return model.loss
    loss: Loss[AnyBatch] = DistributedDataParallel(_LossModule(model), broadcast_buffers=False)
    return loss


class _LossModule(nn.Module):
    """A module with the loss as `forward`, whose gradients DistributedDataParallel averages."""

    def __init__(self, model: Trainable[Any]) -> None:
        super().__init__()
        self.model = model

    def forward(self, *arguments: Any) -> tuple[Tensor, dict[str, Tensor]]:
        return self.model.loss(*arguments)
