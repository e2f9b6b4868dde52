"""The ends of an exported file: keys of observations come in, the environment's actions go out."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn
from torch.nn import functional

from worldvae.envs.actions import is_integer
from worldvae.envs.observations import KeyEncoding
from worldvae.export.frames import channels_last
from worldvae.export.signature import ACTION, KEY, ActionCard, TensorSpec


class KeyReader(nn.Module):
    """Encodes another key of a Dict observation as policies observe it, like `KeyEncoding`."""

    def __init__(self, encoding: KeyEncoding) -> None:
        super().__init__()
        self._layout, self._space = encoding.layout, encoding.source
        self._scale = encoding.scale
        shape, dtype = encoding.source.shape or (), encoding.source.dtype
        self.spec = TensorSpec(
            name=KEY + encoding.key,
            dtype=np.dtype(dtype).name,
            shape=shape,
            meaning=f"the environment's own {encoding.key!r}: {encoding.source}",
        )

    def forward(self, values: Tensor) -> Tensor:
        """Return (N, D) float32, of a camera (N, H, W, C) uint8."""
        if self._layout is not None:
            return channels_last(values, self._layout)
        space = self._space
        if isinstance(space, spaces.Discrete):
            return _one_hot(values, int(space.start), int(space.n)).to(torch.float32)
        if isinstance(space, spaces.MultiDiscrete):
            return self._choices(values, space)
        numbers = values.flatten(1) if values.ndim > 1 else values[:, None]
        return numbers.to(torch.float32) / self._scale

    def _choices(self, values: Tensor, space: spaces.MultiDiscrete) -> Tensor:
        starts, counts = space.start.ravel().tolist(), space.nvec.ravel().tolist()
        chosen = values.flatten(1).to(torch.int64)
        parts = [
            _one_hot(chosen[:, place], start, count)
            for place, (start, count) in enumerate(zip(starts, counts, strict=True))
        ]
        return torch.cat(parts, -1).to(torch.float32)


class ActionWriter(nn.Module):
    """Converts actions of policies to those of the environment itself, like `EnvActions`.

    Args:
        space: The environment's own action space.
        steers: Whether policies choose (steer, throttle) of CarRacing.
    """

    low: Tensor
    high: Tensor

    def __init__(self, space: gym.Space[Any], steers: bool) -> None:
        super().__init__()
        self._space, self._steers = space, steers
        shape = () if isinstance(space, spaces.Discrete) else space.shape or ()
        self.spec = TensorSpec(
            name=ACTION,
            dtype=np.dtype(space.dtype).name,
            shape=shape,
            meaning=f"what the environment's own step takes: {space}",
        )
        bounds = (space.low, space.high) if isinstance(space, spaces.Box) else ((), ())
        for name, bound in zip(("low", "high"), bounds, strict=True):
            self.register_buffer(name, torch.as_tensor(np.asarray(bound, np.float64)))

    def forward(self, actions: Tensor) -> Tensor:
        """Return (N, ...) of the environment's own space."""
        dtype: torch.dtype = getattr(torch, self.spec.dtype)
        if isinstance(self._space, spaces.Discrete):
            return (actions + int(self._space.start)).to(dtype)
        if self._steers:
            steer, throttle = actions.clamp(-1, 1).chunk(2, -1)
            actions = torch.cat([steer, throttle.clamp(min=0), (-throttle).clamp(min=0)], -1)
        assert isinstance(self._space, spaces.Box)
        if is_integer(self._space):
            actions = actions.round()
        # The bounds of every space that agents act in are exact in float64, not in float32.
        shaped = actions.reshape(-1, *self.spec.shape).to(torch.float64)
        return shaped.maximum(self.low).minimum(self.high).to(dtype)


def _one_hot(choices: Tensor, start: int, count: int) -> Tensor:
    # Zeros, with which a graph is traced, need not be among the choices.
    return functional.one_hot((choices - start).clamp(0, count - 1), count)


def action_card(space: gym.Space[Any], names: tuple[str, ...]) -> ActionCard:
    """Return what actions of `space` mean."""
    if isinstance(space, spaces.Discrete):
        return ActionCard(kind="discrete", start=int(space.start), names=names)
    assert isinstance(space, spaces.Box)
    low, high = (bound.astype(np.float64).ravel().tolist() for bound in (space.low, space.high))
    return ActionCard(kind="box", names=names, low=tuple(low), high=tuple(high))
