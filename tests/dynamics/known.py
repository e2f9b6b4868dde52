"""Small worlds whose next step is known in closed form, as windows that dynamics learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worldvae.dynamics.config import DynamicsNetwork, DynamicsObjective
from worldvae.dynamics.dynamics_files import DynamicsModelConfig
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.sequences import SequenceBatch
from worldvae.dynamics.state import DynamicsState
from worldvae.dynamics.units import measure_units

SMALL = {"memory": 32, "hidden": 64}
Episode = tuple[NDArray[Any], NDArray[Any], NDArray[Any], bool]
"""Codes (T + 1, D), actions (T, A), rewards (T,), and whether it terminated."""


@dataclass(frozen=True)
class Windows:
    """Whole episodes as windows of W decisions; an `Examples` of `fit`."""

    batch: SequenceBatch

    def __len__(self) -> int:
        return len(self.batch)

    def read(self, indices: NDArray[np.int64]) -> SequenceBatch:
        rows = torch.from_numpy(indices)
        return self.batch.each(lambda part: part[rows])

    def events(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        valid = self.batch.valid
        return self.batch.rewards[valid].numpy(), self.batch.terminated[valid].numpy()

    def key_changes(self, number: int) -> NDArray[np.float32]:
        change = self.batch.mean[:, 1:] - self.batch.mean[:, :-1]
        return change[self.batch.targets][:, number].numpy()

    def key_values(self, number: int) -> NDArray[np.float32]:
        shown = self.batch.targets
        values = [self.batch.mean[:, :-1][self.batch.valid], self.batch.mean[:, 1:][shown]]
        return torch.cat(values)[:, number].numpy()

    @property
    def identity(self) -> dict[str, Any]:
        return {"windows": len(self)}


def windows(episodes: list[Episode], length: int) -> Windows:
    """Pad each episode to `length` decisions."""
    codes = [padded(episode[0], length + 1) for episode in episodes]
    mean = torch.from_numpy(np.stack(codes))
    lengths = np.array([len(episode[2]) for episode in episodes])
    steps = np.arange(length)
    ends = np.array([episode[3] for episode in episodes])
    return Windows(
        SequenceBatch(
            mean=mean,
            deviation=torch.zeros_like(mean),
            actions=torch.from_numpy(np.stack([padded(one[1], length) for one in episodes])),
            rewards=torch.from_numpy(np.stack([padded(one[2], length) for one in episodes])),
            terminated=torch.from_numpy((steps == lengths[:, None] - 1) & ends[:, None]),
            valid=torch.from_numpy(steps < lengths[:, None]),
        )
    )


def padded(rows: NDArray[Any], length: int) -> NDArray[np.float32]:
    """Append zeros."""
    table = np.zeros((length, *rows.shape[1:]), np.float32)
    table[: len(rows)] = rows
    return table


def untrained(
    data: Windows, keys: int = 0, objective: dict[str, Any] | None = None, **network: Any
) -> Dynamics:
    """Dynamics with initial weights for the codes and actions of `data`."""
    layers = DynamicsNetwork(**{**SMALL, **network})
    latents = data.batch.mean.shape[2] - keys
    config = DynamicsModelConfig(
        network=layers,
        objective=DynamicsObjective(**{"observed": 2, "input_noise": 0.0, **(objective or {})}),
        latents=latents,
        keys=keys,
        action_size=data.batch.actions.shape[2],
    )
    return Dynamics(config, measure_units(data, latents, layers.bins))


def trained(
    data: Windows,
    steps: int,
    batch_size: int = 64,
    change: Callable[[SequenceBatch], SequenceBatch] = lambda batch: batch,
    before: Dynamics | None = None,
    **settings: Any,
) -> Dynamics:
    """Dynamics after `steps` steps of Adam; `change` may spoil the batches.

    With `before` they go on from there.
    """
    model = untrained(data, **settings)
    if before is not None:
        model.go_on_from(before)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    chooser = np.random.default_rng(0)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * (1 - step / steps)
        batch = change(data.read(chooser.integers(len(data), size=batch_size)))
        loss, _ = model.loss(batch, torch.Generator().manual_seed(step), step)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
    return model.eval().requires_grad_(False)


def follow(model: Dynamics, codes: NDArray[Any], actions: NDArray[Any]) -> DynamicsState:
    """Observe N episodes from their starts: codes (N, T + 1, D), actions (N, T, A)."""
    state = model.initial(len(codes))
    first = np.zeros((len(codes), 1, *actions.shape[2:]))
    taken = np.concatenate([first, actions], 1)
    for t in range(codes.shape[1]):
        start = torch.full((len(codes),), t == 0)
        state = model.observe(state, tensor(codes[:, t]), tensor(taken[:, t]), start)
    return state


def tensor(values: NDArray[Any]) -> torch.Tensor:
    """As float32."""
    return torch.from_numpy(np.asarray(values, np.float32))
