"""Windows of episodes as batches: codes, actions, and what followed from them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from worldvae.training.batches import TensorBatch


@dataclass(frozen=True)
class SequenceBatch(TensorBatch):
    """B windows of W decisions and W + 1 codes; an episode that ends sooner is padded with zeros.

    Decision t takes `actions[:, t]` at code t; it leads to `rewards[:, t]`, to an end if
    `terminated[:, t]`, and to code t + 1.
    """

    mean: Tensor
    """(B, W + 1, D): whitened posterior means of the latents, and standardised keys."""
    deviation: Tensor
    """(B, W + 1, D): posterior deviations in the same units; 0 for keys."""
    actions: Tensor
    """(B, W, A)."""
    rewards: Tensor
    """(B, W)."""
    terminated: Tensor
    """(B, W) bool."""
    valid: Tensor
    """(B, W) bool: whether there is such a decision."""

    @property
    def targets(self) -> Tensor:
        """(B, W) bool: whether the code after the decision may be predicted.

        The frame after a termination is whatever the environment shows last, often black.
        """
        return self.valid & ~self.terminated
