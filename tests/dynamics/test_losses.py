"""The loss by hand: a network whose costs are what it is told, on one window of three decisions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from worldvae.dynamics.config import DynamicsObjective
from worldvae.dynamics.losses import member_losses
from worldvae.dynamics.member import Events, Member
from worldvae.dynamics.noise import Noise
from worldvae.dynamics.sequences import SequenceBatch

LOG_2 = math.log(2)
"""The cost of an end, or of none, to who thinks both as likely."""

WINDOW = SequenceBatch(
    mean=torch.tensor([[[0.0, 0.0], [1.0, 10.0], [3.0, 30.0], [100.0, 500.0]]]),
    deviation=torch.tensor([[[0.5, 0.0], [10.0, 0.0], [0.25, 0.0], [1.0, 0.0]]]),
    actions=torch.tensor([[[5.0], [6.0], [7.0]]]),
    rewards=torch.tensor([[1.0, 2.0, 6.0]]),
    terminated=torch.tensor([[False, False, True]]),
    valid=torch.tensor([[True, True, True]]),
)
"""A latent and a key; the last decision ends it, and what is shown then is black."""

ALONE: dict[str, Any] = {"own_samples": 0, "input_noise": 0, "end_weight": 4}


@dataclass
class Told:
    """A network to which a change costs its size, and a reward what it is times the features.

    Those are ten times the latent that is read, and in a free run the action. It keeps what it is
    given.
    """

    training: bool = False
    given: dict[str, Tensor] = field(default_factory=dict)
    cell = SimpleNamespace(carried=1)
    reward = SimpleNamespace(cross_entropy=lambda features, rewards: features[..., 0] * rewards)

    def read(self, codes: Tensor, actions: Tensor, carried: Tensor) -> Tensor:
        self.given["read"] = codes
        return 10 * codes[..., :1]

    def features(self, carried: Tensor, codes: Tensor, actions: Tensor) -> Tensor:
        return carried

    def split(self, code: Tensor) -> tuple[Tensor, Tensor]:
        return code[..., :1], code[..., 1:]

    def latent_changes(self, features: Tensor) -> Any:
        return SimpleNamespace(log_prob=lambda change: -change)

    def run_freely(
        self, carried: Tensor, code: Tensor, actions: Tensor, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        self.given |= {"carried": carried, "code": code, "actions": actions}
        return actions, actions

    def events(self, features: Tensor) -> Events:
        keys: Any = SimpleNamespace(log_prob=lambda change: -change)
        return Events(features, torch.zeros_like(features[..., 0]), keys)


class Ones(Noise):
    """Draws nothing but 1."""

    def normal(self, *shape: int) -> Tensor:
        return torch.ones(shape)


def costs(network: Told, **objective: Any) -> dict[str, float]:
    found = member_losses(
        cast(Member, network), DynamicsObjective(**objective), WINDOW, Ones(torch.Generator())
    )
    return {name: cost.item() for name, cost in found.items()}


def test_codes_cost_where_they_may_be_predicted_and_events_wherever_one_decided() -> None:
    """Latents change by 1 and 2, keys by 10 and 20; rewards are 1, 2, 6; one of three ends."""
    found = costs(Told(), **ALONE, reward_weight=0.5, key_weight=3)
    parts = {
        "nll": 1.5,
        "reward": (0 * 1 + 10 * 2 + 30 * 6) / 3,
        "end": (1 + 1 + 4) / 3 * LOG_2,
        "keys": 15.0,
    }
    total = parts["nll"] + 0.5 * parts["reward"] + parts["end"] + 3 * parts["keys"]
    assert found == pytest.approx({"loss": total, **parts})


def test_what_follows_the_observed_decisions_costs_once_more_as_it_runs_freely() -> None:
    network, weights = Told(), {"reward_weight": 0.5, "key_weight": 3}
    alone = costs(Told(), **ALONE, **weights)["loss"]
    found = costs(network, **{**ALONE, "own_samples": 0.25}, observed=2, **weights)
    assert {name: part.flatten().tolist() for name, part in network.given.items()} == {
        "read": [0, 0, 1, 10, 3, 30],
        "carried": [10],
        "code": [3, 30],
        "actions": [7],
    }
    own = {"own_reward": 7 * 6.0, "own_end": 4 * LOG_2, "own_keys": 0.0}
    assert {name: found[name] for name in own} == pytest.approx(own)
    total = 0.5 * own["own_reward"] + own["own_end"]
    assert found["loss"] == pytest.approx(alone + 0.25 * total)
    earlier = costs(Told(), **{**ALONE, "own_samples": 0.25}, observed=1, **weights)
    assert earlier["own_keys"] == 20, "the last key is shown after the end"
    assert earlier["own_reward"] == (6 * 2 + 7 * 6) / 2


def test_in_training_codes_are_read_with_noise_and_what_is_true_stays() -> None:
    """A posterior deviation counts up to 1, those of keys are 0, and noise of 0.5 is on top."""
    network = Told(training=True)
    found = costs(network, **{**ALONE, "input_noise": 0.5}, sample_codes=True)
    noise = torch.tensor([[1.0, 0.5], [1.5, 0.5], [0.75, 0.5]])
    assert (network.given["read"][0] == WINDOW.mean[0, :3] + noise).all()
    assert found["nll"] == pytest.approx(((1 - 1.0) + (2 - 1.5)) / 2), "noise is taken off again"
    assert found["keys"] == 15, "and of keys the true change is predicted"


def test_where_nothing_is_learned_codes_are_read_as_they_are() -> None:
    network = Told(training=False)
    costs(network, **{**ALONE, "input_noise": 0.5}, sample_codes=True)
    assert (network.given["read"] == WINDOW.mean[:, :3]).all()
