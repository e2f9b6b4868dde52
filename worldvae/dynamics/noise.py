"""Random numbers for sampling, drawn from one generator."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Noise:
    """Draws from `generator`, on the device that it is of."""

    generator: torch.Generator

    def uniform(self, *shape: int) -> Tensor:
        """Return numbers of U(0, 1) of `shape`."""
        return torch.rand(shape, generator=self.generator, device=self.generator.device)

    def normal(self, *shape: int) -> Tensor:
        """Return numbers of N(0, 1) of `shape`."""
        return torch.randn(shape, generator=self.generator, device=self.generator.device)
