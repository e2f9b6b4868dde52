"""Torch's global generators, which layers and policies draw from, lent for a while.

Apart from `seeding`: processes that only step environments do without torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded_torch(seed: int) -> Iterator[None]:
    """In the block they start from `seed`; after it they go on as if it had not been.

    Those of GPUs too. What seeds them itself, as loading a Stable-Baselines3 agent does, belongs
    before the block.
    """
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield
