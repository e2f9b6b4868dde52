"""How far a row is from what the machine allows: its least work against the machine's speeds.

The work is counted, not measured: operations of the layers, or bytes that have to be moved. The
limit assumes that this work is done at the machine's best speed and overlaps with everything else,
so it cannot be reached; it says how much could be gained at most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from pydantic import Field
from torch.utils.flop_counter import FlopCounterMode

from agents.benchmark.speeds import Resource, Speeds
from worldvae.json_files import Content

OTHER_SIDE = "the other side"
"""The limit of a row whose other side is the bare simulator, which ours cannot be faster than."""


class Work(Content):
    """The least work of one unit of a row: an image, a decision, a vector step."""

    resource: Resource = Field(description="What does it.")
    amount: float = Field(gt=0, description="Bytes or operations.")
    of: str = Field(description="The unit, in words.")

    def share(self, rate: float, speeds: Speeds) -> float:
        """Return the share of the machine's speed that `rate` units a second take."""
        return float(rate * self.amount / getattr(speeds, self.resource))

    def __str__(self) -> str:
        unit = "B" if self.resource in {"memory", "disk"} else "FLOP"
        return f"{_short(self.amount)}{unit} {self.of}"


def describe_limit(works: Sequence[Work], rate: float, speeds: Speeds) -> str:
    """Return how far `rate` is from the limit of the work that takes longest: "0.48 of disk (...)".

    `rate` are units of all of `works` a second.
    """
    share, work = max(
        ((work.share(rate, speeds), work) for work in works), key=lambda pair: pair[0]
    )
    return f"{share:.2g} of {work.resource} ({work})"


def operations(compute: Callable[[], object]) -> int:
    """Return the floating-point operations of products and convolutions in `compute`.

    A backward pass inside counts, too. Elementwise work is not counted.
    """
    counter = FlopCounterMode(display=False)
    with counter, torch.enable_grad():
        compute()
    return int(counter.get_total_flops())


def _short(amount: float) -> str:
    """Return a number with three digits and a prefix: 1234567 is "1.23 M"."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= size:
            return f"{amount / size:.3g} {letter}"
    return f"{amount:.3g} "
