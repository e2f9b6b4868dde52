"""How far a row is from what the machine allows: its least work against the machine's speeds.

The work is counted, not measured: operations of the layers, or bytes that have to be moved. The
limit assumes that this work is done at the machine's best speed and overlaps with everything else,
so it cannot be reached; it says how much could be gained at most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from pydantic import Field
from torch.utils.flop_counter import FlopCounterMode

from agents.benchmark.speeds import Resource, Speeds
from worldvae.config import Config

OTHER_SIDE = "the other side"
"""The limit of a row whose other side is the bare simulator, which ours cannot be faster than."""


@dataclass(frozen=True)
class Work:
    """The least work of one unit of a row: an image, a decision, a vector step."""

    resource: Resource
    amount: float
    """Bytes or operations."""
    of: str
    """The unit, in words."""


class WorkLimit(Config):
    """A row's share of what the machine could do at most."""

    resource: Resource = Field(description="What limits it.")
    amount: float = Field(gt=0, description="Bytes or operations of one unit of work.")
    of: str = Field(description="The unit of work.")
    share: float = Field(gt=0, description="Our rate divided by the rate at that limit.")

    @classmethod
    def of_rate(cls, works: Sequence[Work], rate: float, speeds: Speeds) -> WorkLimit:
        """Return the limit of a row that does `rate` units of `works` a second.

        It is that of the work which takes longest.
        """
        shares = [rate * work.amount / getattr(speeds, work.resource) for work in works]
        share, work = max(zip(shares, works, strict=True), key=lambda pair: pair[0])
        return cls(resource=work.resource, amount=work.amount, of=work.of, share=share)

    def __str__(self) -> str:
        unit = "B" if self.resource in {"memory", "disk"} else "FLOP"
        return f"{self.share:.2g} of {self.resource} ({_short(self.amount)}{unit} {self.of})"


def operations(compute: Callable[[], object]) -> int:
    """Return the floating-point operations of products and convolutions in `compute`.

    A backward pass inside counts, too. Elementwise work is not counted.
    """
    counter = FlopCounterMode(display=False)
    with counter, torch.enable_grad():
        compute()
    return int(counter.get_total_flops())


def _short(amount: float) -> str:
    """1234567 -> "1.23 M"."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= size:
            return f"{amount / size:.3g} {letter}"
    return f"{amount:.3g} "
