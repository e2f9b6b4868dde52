"""What agents observe in a dream, where latents are given and no frame has to be encoded.

Each class computes from whitened latents (N, Z), in place of frames, what the class of the same arm
in `worldvae.export.observing` computes from frames.
"""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.dynamics_files import DynamicsCard
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.state import DynamicsState
from worldvae.export.observing import ObserverGraph, StackGraph
from worldvae.export.remembering import RememberGraph
from worldvae.export.signature import STATE, Tensors, floats

CARRIED = "carried"
"""The input that holds what the dream's first member carries."""


class GivenLatentsGraph(ObserverGraph):
    """Observes the last `stack` latents, in deviations of the training frames if `whitens`."""

    scale: Tensor
    mean: Tensor

    def __init__(self, encoder: Encoder, stack: int, whitens: bool) -> None:
        super().__init__()
        units = encoder.trainable()
        one = torch.ones_like(units.scale)
        self.register_buffer("scale", one if whitens else units.scale)
        self.register_buffer("mean", 0 * one if whitens else units.mean)
        self._stack = StackGraph(stack, floats(f"{STATE}latents", "of the dream", encoder.latents))
        self.states = self._stack.states

    def forward(
        self, frames: Tensor, keys: Tensors, episode_start: Tensor, states: Tensors
    ) -> tuple[Tensor, Tensors]:
        latents = frames * self.scale + self.mean
        observed: tuple[Tensor, Tensors] = self._stack(latents, episode_start, states)
        return observed


class GivenMemoryGraph(ObserverGraph):
    """Observes latents and the memory of the very dynamics that dream: (N, Z + M)."""

    def __init__(self, dynamics: Dynamics) -> None:
        super().__init__()
        self._memory = _MemoryOnly(dynamics)
        carried = dynamics.initial(1).carried.shape[-1]
        self.carried = floats(CARRIED, "of the dream", carried)
        """The further input that it reads."""
        self.states = ()

    def forward(
        self, frames: Tensor, keys: Tensors, episode_start: Tensor, states: Tensors
    ) -> tuple[Tensor, Tensors]:
        return torch.cat([frames, self._memory(states[CARRIED])], -1), {}


class OtherMemoryGraph(ObserverGraph):
    """Observes latents, and what other dynamics than the dream's remember of it: (N, Z + M)."""

    def __init__(self, dynamics: Dynamics, card: DynamicsCard) -> None:
        super().__init__()
        self._remember = RememberGraph(dynamics, card)
        self.states = self._remember.states

    def forward(
        self, frames: Tensor, keys: Tensors, episode_start: Tensor, states: Tensors
    ) -> tuple[Tensor, Tensors]:
        _, memory, after = self._remember(frames, keys, episode_start, states)
        return torch.cat([frames, memory], -1), after


class _MemoryOnly(nn.Module):
    """The memory that agents observe of what the first member carries: (N, C) -> (N, M)."""

    def __init__(self, dynamics: Dynamics) -> None:
        super().__init__()
        self._dynamics = deepcopy(dynamics).cpu().eval().requires_grad_(False)

    def forward(self, carried: Tensor) -> Tensor:
        code = carried.new_zeros(len(carried), self._dynamics.code_size)
        return self._dynamics.memory(DynamicsState(carried[None], code))
