"""What agents observe, computed inside of an exported file; the past is an input and an output.

Each class computes what the observer of the same arm computes outside: see `worldvae.wrappers`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from worldvae.dynamics.dynamics_files import DynamicsCard
from worldvae.dynamics.model import Dynamics
from worldvae.export.remembering import RememberGraph
from worldvae.export.signature import STATE, Tensors, TensorSpec, floats, next_name
from worldvae.wrappers.latent_observer import FrameEncoder


class ObserverGraph(nn.Module):
    """Computes an observation of N environments from their frames, keys and past."""

    states: tuple[TensorSpec, ...]
    """The inputs that hold the past."""

    def forward(
        self, frames: Tensor, keys: Tensors, episode_start: Tensor, states: Tensors
    ) -> tuple[Tensor, Tensors]:
        """Return the observation (N, ...), and the next states.

        Args:
            frames: (N, H, W, C) uint8, preprocessed.
            keys: Name -> (N, d), the encoded other keys of a Dict observation.
            episode_start: (N,), whether a frame is the first of an episode.
            states: The inputs that `states` names; further ones are not read.
        """
        raise NotImplementedError


class StackGraph(nn.Module):
    """The last `stack` observations, joined along the last axis; at a start the first repeats."""

    def __init__(self, stack: int, newest: TensorSpec) -> None:
        super().__init__()
        self._before, self._width = stack - 1, newest.shape[-1]
        shape = (*newest.shape[:-1], self._before * self._width)
        state = newest.model_copy(update={"shape": shape})
        self.states = (state,) if self._before else ()

    def forward(
        self, newest: Tensor, episode_start: Tensor, states: Tensors
    ) -> tuple[Tensor, Tensors]:
        """Return the stacks with the `newest` (N, ..., D), (N, ..., stack D), and the states."""
        if not self.states:
            return newest, {}
        name = self.states[0].name
        starts = episode_start.reshape(-1, *[1] * (newest.ndim - 1))
        before = torch.where(starts, torch.cat([newest] * self._before, -1), states[name])
        stacks = torch.cat([before, newest], -1)
        return stacks, {next_name(name): stacks[..., self._width :]}


class FramesGraph(ObserverGraph):
    """Observes the last `stack` frames of shape (H, W, C)."""

    def __init__(self, shape: tuple[int, ...], stack: int) -> None:
        super().__init__()
        self._stack = StackGraph(stack, frames_spec(shape))
        self.states = self._stack.states

    def forward(
        self, frames: Tensor, keys: Tensors, episode_start: Tensor, states: Tensors
    ) -> tuple[Tensor, Tensors]:
        observed: tuple[Tensor, Tensors] = self._stack(frames, episode_start, states)
        return observed


class LatentsGraph(ObserverGraph):
    """Observes the last `stack` latents of a frozen encoder, which may read several frames."""

    def __init__(self, encode: FrameEncoder, stack: int) -> None:
        super().__init__()
        encoder = encode.encoder
        self.encoder = encoder.trainable(encode.whitens).eval().requires_grad_(False)
        self._frames = StackGraph(encoder.stack, frames_spec(encoder.card.frame.shape))
        units = "in deviations of the training frames" if encode.whitens else "not whitened"
        meaning = f"the latents before the newest, the oldest first, {units}"
        self._latents = StackGraph(stack, floats(f"{STATE}latents", meaning, encoder.latents))
        self.states = (*self._frames.states, *self._latents.states)

    def forward(
        self, frames: Tensor, keys: Tensors, episode_start: Tensor, states: Tensors
    ) -> tuple[Tensor, Tensors]:
        inputs, next_frames = self._frames(frames, episode_start, states)
        stacks, next_latents = self._latents(self.encoder(inputs), episode_start, states)
        return stacks, {**next_frames, **next_latents}


class MemoryGraph(ObserverGraph):
    """Observes latents, and what dynamics remember of the episode: (N, Z + M)."""

    def __init__(self, encode: FrameEncoder, dynamics: Dynamics, card: DynamicsCard) -> None:
        super().__init__()
        self._latents = LatentsGraph(encode, stack=1)
        self._remember = RememberGraph(dynamics, card)
        self.states = (*self._latents.states, *self._remember.states)

    def forward(
        self, frames: Tensor, keys: Tensors, episode_start: Tensor, states: Tensors
    ) -> tuple[Tensor, Tensors]:
        latents, next_frames = self._latents(frames, keys, episode_start, states)
        _, memory, next_memory = self._remember(latents, keys, episode_start, states)
        return torch.cat([latents, memory], -1), {**next_frames, **next_memory}


def frames_spec(shape: tuple[int, ...]) -> TensorSpec:
    """Return the spec of a state of frames of shape (H, W, C)."""
    meaning = "the preprocessed frames before the newest, the oldest first, grey levels"
    return TensorSpec(name=f"{STATE}frames", dtype="uint8", shape=shape, meaning=meaning)
