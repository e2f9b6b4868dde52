"""What dynamics remember, computed inside of an exported file."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional

from worldvae.dynamics.actions import PolicyActions
from worldvae.dynamics.dynamics_files import DynamicsCard
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.state import DynamicsState
from worldvae.export.signature import ACTION, STATE, Tensors, TensorSpec, floats, next_name

MEMORY, CODE, LAST_ACTION = f"{STATE}memory", f"{STATE}code", f"{STATE}{ACTION}"


class RememberGraph(nn.Module):
    """Takes in latents and keys, as `MemoryEncoder` does; agents observe the first member's memory.

    The action that was taken before is an input, so that it may be another one than was chosen.
    """

    def __init__(self, dynamics: Dynamics, card: DynamicsCard) -> None:
        super().__init__()
        self.dynamics = deepcopy(dynamics)
        # Agents observe the memory of the first alone.
        self.dynamics.members = self.dynamics.members[:1]
        self.units = {key.name: KeyScale(key.mean, key.std) for key in card.keys}
        self.actions = ActionEncoding(card.actions)
        state = self.dynamics.initial(1)
        last = action_spec(card.actions, LAST_ACTION, "the action taken since the last frame")
        self.states = (
            floats(MEMORY, "what the dynamics carry", state.carried.shape[-1]),
            floats(CODE, "the last latents and keys, in their units", state.code.shape[-1]),
            last,
        )

    def forward(
        self, latents: Tensor, keys: Tensors, episode_start: Tensor, states: Tensors
    ) -> tuple[DynamicsState, Tensor, Tensors]:
        """Return the state, the memory that agents observe (N, M), and the next states.

        Args:
            latents: (N, Z), whitened.
            keys: Name -> (N, d), the keys that the dynamics read, and maybe others.
            episode_start: (N,), whether the latents are the first of an episode.
            states: The inputs that `states` names.
        """
        read = [units(keys[name]) for name, units in self.units.items()]
        before = DynamicsState(states[MEMORY][None], states[CODE])
        taken = self.actions(states[LAST_ACTION])
        state = self.dynamics.observe(before, torch.cat([latents, *read], -1), taken, episode_start)
        after = {next_name(MEMORY): state.carried[0], next_name(CODE): state.code}
        return state, self.dynamics.memory(state), after


class ActionEncoding(nn.Module):
    """Turns actions of policies into the numbers that dynamics read, as `PolicyActions.encode`."""

    low: Tensor
    high: Tensor
    width: Tensor

    def __init__(self, actions: PolicyActions) -> None:
        super().__init__()
        self._choices, self._is_whole = actions.choices, actions.whole
        low, high = (
            torch.tensor(bound, dtype=torch.float32) for bound in (actions.low, actions.high)
        )
        self.register_buffer("low", low)
        self.register_buffer("high", high)
        self.register_buffer("width", torch.where(high > low, high - low, 1.0))

    def forward(self, actions: Tensor) -> Tensor:
        """Return actions (N,) int64 or (N, A) as (N, A) float32."""
        if self._choices is not None:
            return functional.one_hot(actions, self._choices).to(torch.float32)
        taken = actions.round() if self._is_whole else actions
        taken = taken.maximum(self.low).minimum(self.high)
        return 2 * (taken - self.low) / self.width - 1


def action_spec(actions: PolicyActions, name: str, meaning: str) -> TensorSpec:
    """Return the spec of an action of a policy, which an environment may take in other units."""
    meaning = f"{meaning}, as policies choose it"
    if actions.choices is not None:
        return TensorSpec(name=name, dtype="int64", shape=(), meaning=f"{meaning}: a choice from 0")
    return floats(name, f"{meaning}: of each axis", actions.size)


class KeyScale:
    """Standardises a key: (N, d) -> (N, d)."""

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        self._mean, self._std = (torch.tensor(units, dtype=torch.float32) for units in (mean, std))

    def __call__(self, values: Tensor) -> Tensor:
        return (values - self._mean) / self._std

    def undone(self, values: Tensor) -> Tensor:
        """Return standardised values (N, d) in the key's own units."""
        return values * self._std + self._mean
