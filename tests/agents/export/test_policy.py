"""What policies say of their actions is the distribution that Stable-Baselines3 draws them from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import DQN, PPO, SAC

from agents.export.policy import PolicyDecision, channels_first, policy_graph
from worldvae.torch_seeding import seeded_torch

COUNT = 4_000


def decided(model: Any, algorithm: Any, observation: Any, noise: torch.Tensor) -> PolicyDecision:
    graph = policy_graph(model, algorithm)
    starts = torch.ones(len(noise), dtype=torch.bool)
    seen = torch.tensor(observation, dtype=torch.float32).expand(len(noise), -1)
    with torch.no_grad():
        return graph.decide(seen, starts, {"noise": noise})


def test_numbers_of_ppo_have_a_mean_and_a_deviation() -> None:
    model = PPO("MlpPolicy", "Pendulum-v1", seed=0, n_steps=8, batch_size=8)
    with torch.no_grad():
        model.policy.log_std.fill_(np.log(0.3))  # type: ignore[union-attr, operator]
    observation = np.array([0.5, 0.5, 1.0], np.float32)
    said = decided(model, "PPO", observation, torch.zeros(1, 1)).says
    np.testing.assert_allclose(said["mean"][0], model.predict(observation, deterministic=True)[0])
    np.testing.assert_allclose(said["deviation"], [[0.3]], rtol=1e-5)


def test_numbers_of_ppo_stay_within_their_bounds() -> None:
    """As `predict` clips them: the mean that is told, and what is drawn around it."""
    model = PPO("MlpPolicy", "Pendulum-v1", seed=0, n_steps=8, batch_size=8)
    with torch.no_grad():
        model.policy.action_net.bias.fill_(5)  # type: ignore[union-attr, operator]
    noise = torch.tensor([[0.0], [-9.0]])
    decision = decided(model, "PPO", np.array([0.5, 0.5, 1.0], np.float32), noise)
    assert decision.actions.tolist() == [[2.0], [-2.0]]
    assert decision.says["mean"].tolist() == [[2.0], [2.0]]


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (PPO, {"n_steps": 8, "batch_size": 8}),
        (PPO, {"n_steps": 8, "batch_size": 8, "policy_kwargs": {"squash_output": True}}),
        (SAC, {"buffer_size": 8}),
    ],
    ids=["PPO", "squashed PPO", "SAC"],
)
def test_noise_that_is_drawn_from_the_state_is_no_input(kind: Any, settings: Any) -> None:
    model = kind("MlpPolicy", "Pendulum-v1", seed=0, use_sde=True, **settings)
    with torch.no_grad():
        for bias in (one for name, one in model.policy.named_parameters() if "bias" in name):
            bias.fill_(0.3)
    graph = policy_graph(model, kind.__name__)
    assert graph.noise is None
    assert [spec.name for spec in graph.says] == ["mean"]
    observation = np.array([0.5, 0.5, 1.0], np.float32)
    decision = decided(model, kind.__name__, observation, torch.zeros(1, 1))
    expected, _ = model.predict(observation, deterministic=True)
    np.testing.assert_allclose(decision.actions[0], expected, atol=1e-6)
    np.testing.assert_allclose(decision.says["mean"][0], expected, atol=1e-6)
    assert {*decision.says} == {"mean"}


def test_numbers_of_sac_spread_as_they_say() -> None:
    """To first order, so with a small deviation."""
    model = SAC("MlpPolicy", "Pendulum-v1", seed=0, buffer_size=8)
    actor: Any = model.policy.actor
    with torch.no_grad():
        actor.log_std.weight.zero_()
        actor.log_std.bias.fill_(np.log(0.02))
        actor.mu.bias.fill_(0.8)
    observation = np.array([0.5, 0.5, 1.0], np.float32)
    with seeded_torch(0):
        decision = decided(model, "SAC", observation, torch.randn(COUNT, 1))
    said = {name: values[0].numpy() for name, values in decision.says.items()}
    expected, _ = model.predict(observation, deterministic=True)
    np.testing.assert_allclose(said["mean"], expected, atol=1e-6)
    np.testing.assert_allclose(decision.actions.std(0).numpy(), said["deviation"], rtol=0.05)


def test_choices_of_dqn_are_nearly_always_the_best() -> None:
    model = DQN("MlpPolicy", "CartPole-v1", seed=0, buffer_size=8)
    model.exploration_rate = 0.2
    with seeded_torch(1):
        decision = decided(model, "DQN", np.ones(4, np.float32), torch.rand(COUNT, 2))
    best = int(model.predict(np.ones(4, np.float32), deterministic=True)[0])
    expected = np.full(2, 0.1)
    expected[best] = 0.9
    np.testing.assert_allclose(decision.says["probabilities"][0], expected, atol=1e-6)
    counts = np.bincount(decision.actions.numpy(), minlength=2) / COUNT
    np.testing.assert_allclose(counts, expected, atol=0.02)


def test_keys_that_a_policy_does_not_observe_are_left_out() -> None:
    """Dreams may have more of them."""
    space = spaces.Dict(
        {"view": spaces.Box(0, 255, (3, 40, 44), np.uint8), "speed": spaces.Box(0, 1, (2,))}
    )
    shown = {"fuel": torch.zeros(5, 1), "speed": torch.zeros(5, 2)}
    seen = channels_first({**shown, "view": torch.zeros(5, 40, 44, 3)}, space)
    assert isinstance(seen, dict)
    shapes = {key: tuple(part.shape) for key, part in seen.items()}
    assert shapes == {"speed": (5, 2), "view": (5, 3, 40, 44)}
