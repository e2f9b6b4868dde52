"""Free-running errors choose the weights: in a world whose truth is known, the truth must win."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from worldvae.dynamics.config import DynamicsObjective
from worldvae.dynamics.free_running import (
    CLIMATOLOGY,
    TrainingSpread,
    at_risk_mean,
    code_errors,
    free_metrics,
    survival,
)
from worldvae.dynamics.member import Events, Member
from worldvae.dynamics.noise import Noise
from worldvae.dynamics.sequences import SequenceBatch

EPISODES, STEPS = 40_000, 24
SAFE, DEADLY = 0.01, 0.3
OBJECTIVE = DynamicsObjective(observed=1, end_weight=1.0)


def signs(generator: torch.Generator) -> Tensor:
    """A hidden sign for each episode, of which nothing is known at its start."""
    return torch.where(torch.rand(EPISODES, generator=generator) < 0.5, 1.0, -1.0)


def hazard(sign: Tensor) -> Tensor:
    return torch.where(sign > 0, SAFE, DEADLY)


def world() -> SequenceBatch:
    """Episodes whose sign, shown after one decision, says how soon they end and what they pay.

    A part is truncated at a random decision.
    """
    generator = torch.Generator().manual_seed(0)
    sign = signs(generator)
    steps = torch.arange(STEPS)
    ends = torch.rand(EPISODES, STEPS, generator=generator) < hazard(sign)[:, None]
    first = torch.where(ends.any(1), ends.float().argmax(1), STEPS)[:, None]
    cut = torch.randint(1, 2 * STEPS, (EPISODES, 1), generator=generator)
    valid = (steps <= first) & (steps < cut)
    codes = sign[:, None].repeat(1, STEPS + 2)
    codes[:, :2] = 0
    observed = torch.ones(EPISODES, 1, dtype=torch.bool)
    return SequenceBatch(
        mean=codes[..., None],
        deviation=torch.zeros(EPISODES, STEPS + 2, 1),
        actions=torch.zeros(EPISODES, STEPS + 1, 1),
        rewards=torch.cat([torch.zeros(EPISODES, 1), valid * (sign > 0)[:, None]], 1),
        terminated=torch.cat([~observed, valid & (steps == first)], 1),
        valid=torch.cat([observed, valid], 1),
    )


@dataclass
class Known:
    """Dynamics that draw a sign, as the world does, and answer its `end` and `reward`."""

    end: Any
    reward_of: Any
    code_latents = 1
    cell = SimpleNamespace(carried=1)
    reward = SimpleNamespace(mean=lambda rewards: rewards)

    def read(self, codes: Tensor, actions: Tensor, carried: Tensor) -> Tensor:
        return carried[:, None]

    def run_freely(
        self, carried: Tensor, code: Tensor, actions: Tensor, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        drawn = torch.where(noise.uniform(EPISODES) < 0.5, 1.0, -1.0)
        runs = drawn[:, None, None].repeat(1, STEPS, 1)
        return runs, runs

    def events(self, features: Tensor) -> Events:
        sign = features[..., 0]
        return Events(self.reward_of(sign), torch.logit(self.end(sign)), None)


def judged(**answers: Any) -> dict[str, float]:
    batch = world()
    rest = batch.after(1)
    spread = TrainingSpread(
        codes=rest.mean[:, 1:][rest.targets].std(),
        reward=rest.rewards[rest.valid].std(),
        end_rate=rest.terminated[rest.valid].float().mean(),
    )
    constants = {
        "end": spread.end_rate.expand_as,
        "reward_of": rest.rewards[rest.valid].mean().expand_as,
    }
    network = cast(Member, Known(**{**constants, **answers}))
    noise = Noise(torch.Generator().manual_seed(1))
    metrics = free_metrics([network], OBJECTIVE, batch, noise, spread)
    return {name: value.item() for name, value in metrics.items()}


def test_who_knows_which_episodes_end_is_better_than_who_does_not() -> None:
    """Few of those that are to end are there to be compared with, late in the windows."""
    truth = judged(end=hazard, reward_of=lambda sign: (sign > 0).float())
    blind = judged()
    assert set(truth) == {"loss", "free_codes", "free_reward", "free_end"}
    assert all(truth[name] < blind[name] for name in truth)
    assert 3 * truth["loss"] == pytest.approx(sum(truth.values()) - truth["loss"])
    assert blind["free_reward"] == pytest.approx(1, abs=0.02)
    assert blind["free_end"] == pytest.approx(1, abs=0.02)


def test_who_ends_too_early_or_never_is_worse_than_who_knows_the_rate() -> None:
    for rate in (0.5, 1e-4, 1.0):
        wrong = judged(end=lambda sign, rate=rate: torch.full_like(sign, rate))
        assert wrong["loss"] > judged()["loss"]


@dataclass
class Scripted:
    """Dynamics of two runs that are written down; it keeps what it is given."""

    ends: Tensor
    """(2, B, T): how probable either run thinks an end."""
    codes: Tensor
    """(2, B, T): where either thinks that it is."""
    code_latents = 1
    cell = SimpleNamespace(carried=1)
    reward = SimpleNamespace(mean=lambda rewards: rewards)

    def __post_init__(self) -> None:
        self.given: dict[str, Tensor] = {}
        self.runs = zip(self.ends, self.codes[..., None], strict=True)

    def read(self, codes: Tensor, actions: Tensor, carried: Tensor) -> Tensor:
        self.given |= {"read_codes": codes, "read_actions": actions}
        return codes * 10

    def run_freely(
        self, carried: Tensor, code: Tensor, actions: Tensor, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        self.given |= {"carried": carried, "code": code, "actions": actions}
        return next(self.runs)

    def events(self, features: Tensor) -> Events:
        return Events(torch.zeros_like(features), torch.logit(features), None)


def scripted(
    network: Scripted, mean: Tensor, observed: int = 1, has_end: bool = False
) -> dict[str, float]:
    """Judge it by codes (B, W + 1) where nothing is paid and nothing ends but all at the last."""
    episodes, window = len(mean), mean.shape[1] - 1
    last = torch.arange(window) == window - 1
    batch = SequenceBatch(
        mean=mean[..., None],
        deviation=torch.zeros(episodes, window + 1, 1),
        actions=torch.arange(window * 1.0).expand(episodes, window)[..., None],
        rewards=torch.zeros(episodes, window),
        terminated=(last & has_end).expand(episodes, window),
        valid=torch.ones(episodes, window, dtype=torch.bool),
    )
    objective = DynamicsObjective(observed=observed, end_weight=1.0)
    spread = TrainingSpread(torch.tensor(1.0), torch.tensor(0.0), torch.tensor(0.0))
    noise = Noise(torch.Generator())
    found = free_metrics([cast(Member, network)], objective, batch, noise, spread)
    return {name: value.item() for name, value in found.items()}


def test_a_run_begins_where_what_is_observed_ends() -> None:
    network = Scripted(*torch.zeros(2, 2, 1, 2))
    found = scripted(network, torch.tensor([[1.0, 2, 3, 0, 0]]), observed=2)
    assert {name: part.flatten().tolist() for name, part in network.given.items()} == {
        "read_codes": [1, 2],
        "read_actions": [0, 1],
        "carried": [20],
        "code": [3],
        "actions": [2, 3],
    }
    assert found == {"loss": 0, "free_codes": 0}, "where nothing differs there is nothing to know"


def test_a_decision_is_judged_where_both_runs_get_to_it() -> None:
    """Each episode is ended by another run with probability 1/2: both weigh alike afterwards."""
    ends = torch.tensor([[[0.5, 0], [0, 0]], [[0, 0], [0.5, 0]]])
    network = Scripted(ends, torch.zeros(2, 2, 2))
    late = torch.tensor([[0.0, 0, 0, CLIMATOLOGY], [0, 0, 0, 0]])
    assert scripted(network, late)["free_codes"] == pytest.approx((0 + 1 / 2) / 2)


def test_two_runs_are_judged_as_two_samples() -> None:
    """Of 0 and 2 with the truth 3: (3 + 1 - 2) / 2; with 1 in their middle (1 + 1 - 2) / 2."""
    codes = CLIMATOLOGY * torch.tensor([[[0.0, 0]], [[2, 2]]])
    truth = CLIMATOLOGY * torch.tensor([[0.0, 0, 3, 1]])
    found = scripted(Scripted(torch.zeros(2, 1, 2), codes), truth)
    assert found["free_codes"] == pytest.approx((1 + 0) / 2)


def test_what_is_shown_after_an_end_is_no_error() -> None:
    black = torch.tensor([[0.0, 0, 0, 100]])
    found = scripted(Scripted(*torch.zeros(2, 2, 1, 2)), black, has_end=True)
    assert found["free_codes"] == 0


def test_survival_counts_the_ends_before_a_decision() -> None:
    ends = torch.tensor([[0.5, 0.2, 1.0, 0.0]])
    assert survival(ends)[0].tolist() == pytest.approx([1, 0.5, 0.4, 0], abs=1e-5)


def test_errors_are_weighted_within_a_step_and_steps_by_how_often_they_are_there() -> None:
    errors = torch.tensor([[1.0, 4.0], [3.0, torch.nan]])
    weights = torch.tensor([[3.0, 0.1], [1.0, 0.1]])
    mask = torch.tensor([[True, True], [True, False]])
    found = at_risk_mean(errors, weights, mask)  # 1.5 twice, and 4
    assert found.item() == pytest.approx(7 / 3)


def test_who_is_sure_that_all_is_over_is_judged_all_the_same() -> None:
    ends = torch.ones(2, 3)
    weights = survival(ends).square()
    mask = torch.ones(2, 3, dtype=torch.bool)
    assert at_risk_mean(torch.full((2, 3), 5.0), weights, mask).item() == pytest.approx(5)
    assert at_risk_mean(torch.full((2, 3), 5.0), weights, ~mask).item() == 0


def test_latents_that_hardly_vary_are_no_merit() -> None:
    """Whitening leaves collapsed latents small; what knows nothing is at 1 all the same."""
    scale = torch.tensor([1.0, 0.05, 0.05, 0.05])
    generator = torch.Generator().manual_seed(0)
    first, second, third = torch.randn(3, 40_000, 1, 4, generator=generator) * scale
    spread = TrainingSpread(scale.mean(), torch.tensor(1.0), torch.tensor(0.1))
    score = code_errors((first, second), third, 4, spread)["codes"].mean()
    assert score.item() == pytest.approx(1, abs=0.02)
