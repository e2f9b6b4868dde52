"""Dreams that end go on as others, so that what is compared goes on as well."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from worldvae.diagnostics.fidelity.dreams import DreamSamples, dream
from worldvae.diagnostics.fidelity.windows import Windows
from worldvae.dynamics.state import DynamicsState

WINDOWS, HORIZON, MEMORY = 200, 48, 0.97


@dataclass(frozen=True)
class Step:
    reward: Tensor
    end_probability: Tensor
    terminated: Tensor


@dataclass(frozen=True)
class Fading:
    """Numbers of variance 1 that forget where they began, and ends that do not depend on them."""

    hazard: float

    def initial(self, n: int) -> DynamicsState:
        return DynamicsState(torch.zeros(1, n, 1), torch.zeros(n, 1))

    def observe(
        self, state: DynamicsState, code: Tensor, actions: Tensor, episode_start: Tensor
    ) -> DynamicsState:
        return replace(state, code=code)

    def imagine(
        self,
        state: DynamicsState,
        actions: Tensor,
        generator: torch.Generator,
        temperature: float = 1.0,
        members: Tensor | None = None,
    ) -> tuple[DynamicsState, Step]:
        n = len(state.code)
        noise = torch.randn(n, 1, generator=generator)
        code = MEMORY * state.code + np.sqrt(1 - MEMORY**2) * noise
        ended = torch.rand(n, generator=generator) < self.hazard
        step = Step(torch.zeros(n), torch.full((n,), self.hazard), ended)
        return replace(state, code=code), step


def dreamed(hazard: float) -> DreamSamples:
    shape = WINDOWS, HORIZON
    windows = Windows(
        codes=np.zeros((WINDOWS, HORIZON + 1, 1), np.float32),
        actions=np.zeros((*shape, 1), np.float32),
        rewards=np.zeros(shape, np.float32),
        terminated=np.zeros(shape, bool),
        valid=np.ones(shape, bool),
        state=np.zeros((WINDOWS, HORIZON + 1, 0)),
        episodes=np.arange(WINDOWS),
        policies=np.full(WINDOWS, "random"),
        past=0,
    )
    return dream(Fading(hazard), windows, windows.actions, seed=0)


def test_dreams_stay_as_wide_as_they_are_though_some_end() -> None:
    """Were the first that have not ended to stand in for all, they would soon be few."""
    expected = 1 - MEMORY ** (2 * np.arange(1, HORIZON + 1))
    for hazard, least in ((0.0, 0.92), (0.05, 0.86), (0.1, 0.78)):
        share = dreamed(hazard).codes[..., 0].var(axis=1, ddof=1).mean(axis=0) / expected
        assert least < share.min() <= share.max() < 1.05, hazard


def test_noise_does_not_depend_on_what_ends_elsewhere() -> None:
    """So that dreams with and without actions can be compared one by one."""
    endless, ending = dreamed(0.0), dreamed(0.001)
    without = ~ending.ended.any(axis=(1, 2))
    assert 0.4 < without.mean() < 0.9
    np.testing.assert_array_equal(endless.codes[without], ending.codes[without])
