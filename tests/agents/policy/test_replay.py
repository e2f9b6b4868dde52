"""A replay buffer where a training goes on: its arguments come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv

from agents.config.agent import AgentConfig
from agents.policy.agent import Agent
from agents.policy.algorithms import make_model
from agents.run.agent_card import read_card
from agents.train import train
from tests.agents.policy.test_algorithms import SETTINGS, KilledError, load

GAMMA, ROWS = 0.5, 10
ONCE = {
    "optimize_memory_usage": True,
    "replay_buffer_kwargs": {"handle_timeout_termination": False},
}
"""A buffer that keeps each observation once; the library refuses either setting alone."""


class Counter(gym.Env[Any, int]):
    """Never ends; nothing of it matters, since the tests write into the buffer themselves."""

    action_space = spaces.Discrete(2)

    def __init__(self, as_dict: bool) -> None:
        number = spaces.Box(-1e6, 1e6, (1,), np.float32)
        self.observation_space = spaces.Dict({"number": number}) if as_dict else number


def bare(settings: dict[str, Any], as_dict: bool = False) -> tuple[AgentConfig, OffPolicyAlgorithm]:
    settings = {"buffer_size": 2 * ROWS, "learning_starts": 5, **settings}
    config = AgentConfig(algorithm="DQN", gamma=GAMMA, net_arch=(4,), settings=settings)
    env = DummyVecEnv([lambda: Counter(as_dict)] * 2)
    model = make_model(config, env, 0, "cpu")
    assert isinstance(model, OffPolicyAlgorithm)
    return config, model


def test_the_library_writes_into_no_setting() -> None:
    """It adds n_steps to the keywords of a buffer, which a finished folder is compared with."""
    settings = {"n_steps": 3, "replay_buffer_kwargs": {"handle_timeout_termination": False}}
    config, _ = bare(settings)
    given = {"buffer_size": 2 * ROWS, "learning_starts": 5, **settings}
    assert config.settings == given
    assert settings["replay_buffer_kwargs"] == {"handle_timeout_termination": False}


def test_an_agent_whose_buffer_keeps_observations_once_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it trains on, where it plays, and where the library alone loads it."""
    experiment = load(tmp_path, "DQN", **{"agent.settings": {**SETTINGS["DQN"], **ONCE}})

    def die(*_: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("agents.policy.callback.TrainingCallback._evaluate", die)
        with pytest.raises(KilledError):
            train(experiment, "state", 0)
    models: list[Any] = []
    with monkeypatch.context() as patch:
        patch.setattr(
            "agents.policy.callback.TrainingCallback._on_training_start",
            lambda self: models.append(self.model),
        )
        folder = train(experiment, "state", 0)
    assert [model.replay_buffer.optimize_memory_usage for model in models] == [True]
    assert models[0].optimize_memory_usage
    assert models[0].replay_buffer_kwargs == ONCE["replay_buffer_kwargs"]
    agent = Agent.load(folder)
    assert type(agent.model.replay_buffer) is ReplayBuffer  # type: ignore[attr-defined]
    alone = DQN.load(folder / read_card(folder).model)
    for name, weight in alone.policy.state_dict().items():
        assert torch.equal(weight, agent.model.policy.state_dict()[name])
