"""A known world: codes move by the action, ends come at a known rate, and the memory counts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from worldvae.dynamics.actions import PolicyActions
from worldvae.dynamics.config import DreamSettings, DynamicsNetwork, DynamicsObjective
from worldvae.dynamics.dream_source import DreamSource
from worldvae.dynamics.dynamics_files import DynamicsCard, DynamicsModelConfig, KeyUnits
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.state import DynamicsState, Step

LATENTS, CHOICES, MEMORY = 3, 2, 4


class LinearDynamics(Dynamics):
    """Known dynamics of K members: x' = x + 1 + a_1 + k + noise, the reward is the first of x'.

    What is carried is (age, sum of all codes, sum of all actions), so that nothing can be forgotten
    without a trace; agents observe it as it is.
    """

    def __init__(self, end_rate: float = 0.0, keys: int = 0, members: int = 1) -> None:
        super().__init__(
            DynamicsModelConfig(
                network=DynamicsNetwork(memory=MEMORY, hidden=4, members=members),
                objective=DynamicsObjective(),
                latents=LATENTS,
                keys=keys,
                action_size=CHOICES,
            )
        )
        self.rate = end_rate

    def initial(self, n: int) -> DynamicsState:
        carried = torch.zeros(len(self.members), n, MEMORY)
        return DynamicsState(carried, torch.zeros(n, self.code_size))

    def observe(
        self, state: DynamicsState, code: Tensor, actions: Tensor, episode_start: Tensor
    ) -> DynamicsState:
        carried = self._remember(state, actions).masked_fill(episode_start[:, None], 0.0)
        return DynamicsState(carried, code)

    def imagine(
        self,
        state: DynamicsState,
        actions: Tensor,
        generator: torch.Generator,
        temperature: float = 1.0,
        members: Tensor | None = None,
    ) -> tuple[DynamicsState, Step]:
        count = len(actions)
        chosen = torch.zeros(count) if members is None else members
        noise = torch.randn(count, self.code_size, generator=generator) * temperature**0.5
        code = state.code + 1 + actions[:, 1:] + chosen[:, None] + noise
        step = Step(
            code=code,
            reward=code[:, 0],
            end_probability=torch.full((count,), self.rate),
            terminated=torch.rand(count, generator=generator) < self.rate,
            disagreement=state.carried[0, :, 0],  # the age before the step
        )
        return DynamicsState(self._remember(state, actions), code), step

    def memory(self, state: DynamicsState) -> Tensor:
        return state.carried[0]

    def _remember(self, state: DynamicsState, actions: Tensor) -> Tensor:
        news = [torch.ones(len(actions)), state.code.sum(1), *actions.unbind(1)]
        return state.carried + torch.stack(news, 1)


KEY = KeyUnits(name="speed", mean=(10.0,), std=(2.0,))


def linear_card(keys: tuple[KeyUnits, ...] = (), image_key: str | None = None) -> DynamicsCard:
    """The card of these dynamics, whose actions are Discrete(2)."""
    return DynamicsCard(
        env_id="Linear-v0",
        image_key=image_key,
        action_repeat=3,
        encoder_sha256="0" * 64,
        data_sha256="0" * 64,
        trained=True,
        actions=PolicyActions(choices=CHOICES),
        keys=keys,
        scores={},
        versions={},
    )


def linear_source(
    end_rate: float = 0.0, has_key: bool = False, members: int = 1, **settings: Any
) -> DreamSource:
    """Dreams of these dynamics from ten starts; start s has the code (10 s, 10 s, ...)."""
    card = linear_card((KEY,), "camera") if has_key else linear_card()
    dynamics = LinearDynamics(end_rate, int(has_key), members)
    code = 10 * torch.arange(10.0)[:, None].repeat(1, dynamics.code_size)
    starts = DynamicsState(torch.zeros(members, 10, MEMORY), code)
    return DreamSource(dynamics, card, starts, DreamSettings(**settings))
