"""Temporary seeding of torch's global generators, from which layers and policies draw.

It is not part of `seeding`, so that processes that only step environments do not load torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded_torch(seed: int) -> Iterator[None]:
    """Seed torch's generators, also those of GPUs, in the block, and restore them after it.

    Code that seeds them itself, such as loading a Stable-Baselines3 agent, has to run before the
    block.
    """
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield
