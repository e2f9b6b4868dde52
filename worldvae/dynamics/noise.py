"""Random numbers for sampling, drawn from one generator."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from worldvae.training.share import WHOLE, Share


@dataclass(frozen=True)
class Noise:
    """Draws from `generator`; in a training by several processes, the rows of `share`."""

    generator: torch.Generator
    share: Share = WHOLE

    def uniform(self, *shape: int) -> Tensor:
        """Return numbers of U(0, 1) of `shape`."""
        return self.share.draw(torch.rand, shape, self.generator)

    def normal(self, *shape: int) -> Tensor:
        """Return numbers of N(0, 1) of `shape`."""
        return self.share.draw(torch.randn, shape, self.generator)
