"""What courses of events have led to, and what the next decision may lead to."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from worldvae.dynamics.member import Change


@dataclass(frozen=True)
class DynamicsState:
    """What N courses of events have led to."""

    carried: Tensor
    """(K, N, C): what the cell of each of K members carries."""
    code: Tensor
    """(N, D): the newest codes, of D = Z + X whitened latents and standardised keys."""

    def rows(self, chosen: Tensor) -> DynamicsState:
        """Return the courses with the numbers `chosen` (E,) alone."""
        return DynamicsState(self.carried[:, chosen], self.code[chosen])

    def where(self, chosen: Tensor, others: DynamicsState) -> DynamicsState:
        """Return these where `chosen` (N,) is true, and `others` elsewhere."""
        carried = torch.where(chosen[:, None], self.carried, others.carried)
        return DynamicsState(carried, torch.where(chosen[:, None], self.code, others.code))


@dataclass(frozen=True)
class Step:
    """What N decisions led to, as dynamics imagine it."""

    code: Tensor
    """(N, D)."""
    reward: Tensor
    """(N,): the expected reward."""
    end_probability: Tensor
    """(N,)."""
    terminated: Tensor
    """(N,) bool, drawn with that probability."""
    disagreement: Tensor
    """(N,): how much the members' expected changes deviate, in deviations of a change."""


@dataclass(frozen=True)
class Prediction:
    """What N decisions may lead to, before anything of it is drawn."""

    change: Change
    """Of the code, as a distribution over (N, D)."""
    reward: Tensor
    """(N,): the expected reward."""
    end_probability: Tensor
    """(N,)."""
