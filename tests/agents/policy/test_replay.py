"""A replay buffer where a training goes on: its arguments come back, returns end at the seam."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.common.buffers import NStepReplayBuffer, ReplayBuffer
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv

from agents.config.agent import AgentConfig
from agents.policy.agent import Agent
from agents.policy.algorithms import make_model
from agents.policy.checkpoint import load_model, load_replay, save_agent
from agents.policy.replay import cut_off, replay_arguments
from agents.run.agent_card import AgentCard, read_card
from agents.train import train
from tests.agents.policy.test_algorithms import SETTINGS, load, train_until_killed
from worldvae.envs import EnvConfig

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


def add(model: OffPolicyAlgorithm, count: int, reward: float, ends: bool = False) -> None:
    """Add so many transitions with this reward; environment 1, whose action is 1, may then end."""
    assert model.replay_buffer is not None
    for number in range(count):
        before, after = (np.full((2, 1), number + step, np.float32) for step in range(2))
        seen: Any = (before, after)
        if isinstance(model.observation_space, spaces.Dict):
            seen = ({"number": before}, {"number": after})
        done = np.array([False, ends and number == count - 1])
        model.replay_buffer.add(*seen, np.arange(2), np.full(2, reward), done, [{}, {}])


def resumed(config: AgentConfig, model: OffPolicyAlgorithm, folder: Path) -> OffPolicyAlgorithm:
    """The model as its checkpoint in `folder` brings it back."""
    card = AgentCard(
        **{"arm": "pixels", "algorithm": "DQN", "seed": 0, "stack": 1, "whiten": True},
        **{"env": EnvConfig(id="CartPole-v1"), "encoder": None, "encoder_sha256": None},
    )
    card = save_agent(folder, model, card)
    buffer = replay_arguments(config, model.observation_space)
    again = load_model(folder, card, env=model.env, **buffer)
    assert isinstance(again, OffPolicyAlgorithm)
    load_replay(folder, card, again)
    return again


def read(model: OffPolicyAlgorithm, row: int) -> list[tuple[float, ...]]:
    """Of a row in each environment: the return, the observation after it, whether it ended."""
    assert model.replay_buffer is not None
    found: Any = model.replay_buffer._get_samples(np.full(64, row))
    of_env = [int(found.actions.flatten().tolist().index(env)) for env in (0, 1)]
    values = found.rewards, found.next_observations, found.dones
    return [tuple(float(value[index]) for value in values) for index in of_env]


@pytest.mark.parametrize("count", [5, ROWS, 13], ids=["part", "full", "wrapped"])
@pytest.mark.parametrize("tells_truncations", [True, False])
def test_a_return_over_several_steps_ends_where_a_training_was_resumed(
    tmp_path: Path, count: int, tells_truncations: bool
) -> None:
    """Rewards of 1, discounted by a half, are added up to the seam and not beyond it."""
    kwargs = {"handle_timeout_termination": tells_truncations}
    config, model = bare({"n_steps": 3, "replay_buffer_kwargs": kwargs})
    add(model, count, 1.0, ends=True)
    again = resumed(config, model, tmp_path)
    assert isinstance(again.replay_buffer, NStepReplayBuffer)
    add(again, 3, 100.0)
    truncated = 0.0 if tells_truncations else 1.0  # which that setting takes for an end
    for before, expected in enumerate([1.0, 1.5, 1.75]):
        row = (count - 1 - before) % ROWS
        assert read(again, row) == [(expected, count, truncated), (expected, count, 1.0)]
    assert read(again, count % ROWS)[0][0] == 175.0, "what was added later is whole"
    add(again, ROWS, 1.0)
    assert not again.replay_buffer.timeouts.any(), "no mark outlives its transition"
    assert not again.replay_buffer.dones.any()


def test_an_observation_that_is_kept_once_is_not_followed_by_another_episode(
    tmp_path: Path,
) -> None:
    """The library writes what comes after the seam over what came before it."""
    config, model = bare(ONCE)
    add(model, 5, 1.0)
    again = resumed(config, model, tmp_path)
    add(again, 3, 100.0)
    for env in (0, 1):
        assert read(again, 3)[env] == (1.0, 4.0, 0.0)
        assert read(again, 4)[env] == (1.0, 0.0, 1.0), "an end has no next observation"


@pytest.mark.parametrize("as_dict", [False, True])
def test_transitions_of_one_step_stay_as_they_are(tmp_path: Path, as_dict: bool) -> None:
    config, model = bare({}, as_dict)
    add(model, 13, 1.0, ends=True)
    again = resumed(config, model, tmp_path)
    before, after = model.replay_buffer, again.replay_buffer
    assert before is not None
    assert after is not None
    assert type(after) is type(before)
    for name in ("rewards", "dones", "timeouts"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def arrays(buffer: ReplayBuffer) -> dict[str, Any]:
    """All arrays of a buffer by name, those of a Dict by name and key."""
    found: dict[str, Any] = {}
    for name, value in vars(buffer).items():
        parts = {f"{name}.{key}": one for key, one in value.items()} if type(value) is dict else {}
        found |= {k: v for k, v in {name: value, **parts}.items() if isinstance(v, np.ndarray)}
    return found


@pytest.mark.parametrize("count", [0, 5, ROWS - 1, ROWS, 13])
@pytest.mark.parametrize(
    ("settings", "as_dict"),
    [({}, False), ({}, True), ({"n_steps": 3}, False), (ONCE, False)],
    ids=["box", "dict", "several steps", "kept once"],
)
def test_a_file_brings_back_every_row(
    tmp_path: Path, count: int, settings: dict[str, Any], as_dict: bool
) -> None:
    config, model = bare(settings, as_dict)
    add(model, count, 1.0, ends=True)
    again = resumed(config, model, tmp_path)
    before, after = model.replay_buffer, again.replay_buffer
    assert before is not None
    assert after is not None
    cut_off(before)
    assert (after.pos, after.full, after.buffer_size) == (before.pos, before.full, ROWS)
    expected, found = arrays(before), arrays(after)
    assert {*found} == {*expected} > {"actions", "rewards"}
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
        assert found[name].dtype == values.dtype


@pytest.mark.parametrize("as_dict", [False, True])
def test_a_file_is_as_large_as_what_was_replayed(tmp_path: Path, as_dict: bool) -> None:
    """Of a buffer for 100,000 stacked frames the zeros alone were 10 GB, read and written."""
    config, model = bare({"buffer_size": 2_000_000}, as_dict)
    add(model, 5, 1.0)
    again = resumed(config, model, tmp_path)
    (path,) = tmp_path.glob("replay_*.pkl")
    assert path.stat().st_size < 10_000
    assert again.replay_buffer is not None
    assert arrays(again.replay_buffer)["rewards"].shape == (1_000_000, 2)


def test_an_empty_buffer_has_no_seam(tmp_path: Path) -> None:
    config, model = bare({"n_steps": 3})
    buffer = resumed(config, model, tmp_path).replay_buffer
    assert buffer is not None
    assert not buffer.timeouts.any()


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
    train_until_killed(monkeypatch, experiment, "state")
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
