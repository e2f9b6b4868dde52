"""Every algorithm trains, comes back from disk and goes on; a wrong setting is one line."""

import inspect
import json
import shutil
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from gymnasium import spaces
from pydantic import ValidationError
from stable_baselines3 import DQN

from agents.arms.build import open_training, set_up
from agents.config.agent import ALGORITHMS, AgentConfig, AlgorithmName, algorithm_class
from agents.config.experiment import Experiment
from agents.policy.agent import Agent
from agents.policy.algorithms import learning_rate, try_spaces, unscaled_actions
from agents.prepare import encoder, prepare
from agents.run.agent_card import read_card
from agents.train import train
from tests.agents.policy.zips import packages_in
from tests.tiny import TINY
from worldvae.errors import WorldvaeError
from worldvae.torch_seeding import seeded_torch
from worldvae.wrappers.observer import Moment

STEERED = {"id": "Pendulum-v1", "workers": "sync", "max_episode_steps": 24}

SETTINGS: dict[str, dict[str, Any]] = {
    "PPO": {"n_steps": 30, "batch_size": 60, "n_epochs": 2},
    "RecurrentPPO": {"n_steps": 30, "batch_size": 60, "n_epochs": 2},
    "A2C": {"n_steps": 10},
    "DQN": {"buffer_size": 500, "learning_starts": 50},
    "SAC": {"buffer_size": 500, "learning_starts": 50},
    "TQC": {"buffer_size": 500, "learning_starts": 50},
    "CrossQ": {"buffer_size": 500, "learning_starts": 50, "batch_size": 32},
}
STEERS = {"SAC", "TQC", "CrossQ"}
"""Their actions are numbers, those of the others may be choices."""


def load(runs: Path, algorithm: str, **overrides: Any) -> Experiment:
    agent = {
        "env_steps": 600,
        "num_envs": 4,
        "stack": 2,
        "net_arch": [16],
        "checkpoint_every": 200,
        "algorithm": algorithm,
        "settings": SETTINGS[algorithm],
    }
    values = {"runs": str(runs), "agent": agent, "evaluation.every": 300, **overrides}
    if algorithm in STEERS:
        values |= {"env": STEERED, "rollouts.frames": 300}
    return Experiment.load(TINY, values)


@pytest.mark.parametrize("algorithm", sorted(STEERS))
def test_a_number_of_one_value_alone_is_no_action_to_be_replayed(algorithm: Any) -> None:
    config, seen = AgentConfig(algorithm=algorithm), spaces.Box(-1, 1, (3,))
    fixed = spaces.Box(np.float32([-1, 0.5]), np.float32([1, 0.5]))
    with pytest.raises(WorldvaeError, match=r"one value alone, here 1 of Box.*leave it out"):
        try_spaces(config, seen, fixed)
    try_spaces(AgentConfig(algorithm="PPO"), seen, fixed)


REPLAYING = [name for name, row in ALGORITHMS.items() if row.replays]


@pytest.mark.parametrize("algorithm", REPLAYING)
def test_a_decision_is_replayed_as_often_as_with_one_environment(algorithm: AlgorithmName) -> None:
    """The library counts steps of all environments together, so sixteen share one's updates."""
    config = AgentConfig(algorithm=algorithm)
    theirs = inspect.signature(algorithm_class(algorithm)).parameters
    library = {name: theirs[name].default for name in ("train_freq", "gradient_steps")}
    assert updates(library, 1) == updates(library | config.arguments, config.num_envs)


def updates(arguments: dict[str, Any], num_envs: int) -> float:
    """Updates per decision."""
    decisions, steps = arguments["train_freq"] * num_envs, arguments["gradient_steps"]
    return 1 if steps == -1 else steps / decisions


@pytest.fixture(scope="module")
def steered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `runs` of what is steered, with rollouts and an encoder."""
    runs = tmp_path_factory.mktemp("steered")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoder, "examine_encoder", lambda *_: None)  # its health decides nothing
        prepare(load(runs, "SAC"), ("latent",))
    return runs


@pytest.mark.parametrize("algorithm", get_args(AlgorithmName))
def test_an_algorithm_trains_on_latents_and_comes_back(
    prepared: Path, steered: Path, tmp_path: Path, algorithm: str
) -> None:
    """That each learns is seen in tests/agents/arms/test_policy_inputs.py; here are few steps."""
    shutil.copytree(steered if algorithm in STEERS else prepared, tmp_path, dirs_exist_ok=True)
    few = {"agent.env_steps": 140, "evaluation.episodes": 1, "evaluation.episodes_otherwise": 0}
    experiment = load(tmp_path, algorithm, **few)
    prepare(experiment, ("latent",))
    folder = train(experiment, "latent", 0)
    result = json.loads((folder / "result.json").read_text())
    assert result["algorithm"] == algorithm
    assert result["env_steps"] >= 140
    agent = Agent.load(folder)
    assert type(agent.model).__name__ == algorithm
    assert not packages_in(folder / read_card(folder).model) & {"agents", "worldvae", "cloudpickle"}


@pytest.mark.parametrize("algorithm", ["DQN", "PPO"])
def test_what_is_sampled_depends_on_torchs_seed_alone(tmp_path: Path, algorithm: str) -> None:
    """DQN of the library explores by numpy's generator, and in all environments or in none."""
    agent = Agent.load(train(load(tmp_path, algorithm), "blind", 0), deterministic=False)
    frames, first = np.zeros((64, 40, 40, 3), np.uint8), np.ones(64, bool)
    if isinstance(agent.model, DQN):
        agent.model.exploration_rate = 0.5

    def acted(seed: int) -> Any:
        with seeded_torch(seed):
            return np.stack([agent.begin()(frames, first) for _ in range(4)])

    before = np.random.get_state()[1].copy()  # type: ignore[union-attr, index]
    agent.model.action_space.seed(7)
    again = agent.model.action_space.sample()
    agent.model.action_space.seed(7)
    actions = acted(0)
    np.testing.assert_array_equal(actions, acted(0))
    assert not np.array_equal(actions, acted(1))
    assert all(len(np.unique(row)) > 1 for row in actions), "each environment explores by itself"
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # type: ignore[index]
    assert agent.model.action_space.sample() == again


def test_a_recurrent_policy_remembers_within_an_episode_and_not_beyond(tmp_path: Path) -> None:
    """Its own predict, told by hand what came before, gives the same actions."""
    experiment = load(tmp_path, "RecurrentPPO")
    agent = Agent.load(train(experiment, "blind", 0))
    frames = np.zeros((2, 40, 40, 3), np.uint8)
    starts = [[True, True], [False, False], [False, True], [False, False]]
    agent.begin()
    found = [agent(frames, np.array(start)) for start in starts]
    memory, acted = None, None
    agent.observer.forget()
    for start, expected in zip(starts, found, strict=True):
        seen, _ = agent.observer.step(Moment(frames, None, acted), np.array(start))
        acted, memory = agent.model.predict(seen, memory, np.array(start), deterministic=True)
        np.testing.assert_array_equal(acted, expected)
    assert memory is not None
    assert np.abs(memory[0]).sum() > 0


class KilledError(BaseException):
    """Not an Exception: nothing may catch it."""


def train_until_killed(monkeypatch: pytest.MonkeyPatch, experiment: Experiment, arm: str) -> None:
    """Train seed 0, and die at the first evaluation."""

    def die(*_: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("agents.policy.callback.TrainingCallback._evaluate", die)
        with pytest.raises(KilledError):
            train(experiment, arm, 0)


def test_a_killed_off_policy_training_goes_on_with_its_replay_buffer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = load(tmp_path, "DQN")
    train_until_killed(monkeypatch, experiment, "state")
    folder = experiment.agent_folder("state", 0)
    card = read_card(folder)
    assert [path.name for path in folder.glob("replay_*.pkl")] == [card.replay]
    assert 200 <= card.env_steps < 300
    seen: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(
            "agents.policy.callback.TrainingCallback._on_training_start",
            lambda self: seen.append(self.model.replay_buffer.size() * self.model.n_envs),
        )
        train(experiment, "state", 0)
    assert seen == [card.env_steps // 2], "a decision is two steps"


def test_a_replay_buffer_of_somebody_else_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = load(tmp_path, "DQN")
    train_until_killed(monkeypatch, experiment, "blind")
    folder = experiment.agent_folder("blind", 0)
    (buffer,) = folder.glob("replay_*.pkl")
    buffer.write_bytes(buffer.read_bytes() + b"x")
    with pytest.raises(WorldvaeError, match=r"not the buffer of card\.json"):
        train(experiment, "blind", 0)


def test_an_algorithm_that_cannot_act_there_is_one_line(tmp_path: Path) -> None:
    experiment = load(tmp_path, "PPO", **{"agent.algorithm": "SAC", "agent.settings": {}})
    with pytest.raises(WorldvaeError, match=r"agent\.algorithm = 'SAC': .*Discrete"):
        train(experiment, "blind", 0)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"settings": {"n_step": 5}}, r"PPO has no such argument; did you mean n_steps\?"),
        ({"settings": {"gamma": 0.5}}, "no place there"),
        ({"algorithm": "DQN", "settings": {"n_epochs": 5}}, "DQN has no such argument"),
        ({"settings": {"batch_size": 100}}, "does not divide n_steps x num_envs = 2048"),
    ],
)
def test_a_wrong_setting_is_one_line(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        AgentConfig.model_validate(values)


def test_settings_reach_the_algorithm(tmp_path: Path) -> None:
    experiment = load(tmp_path, "PPO", **{"agent.settings.clip_range": 0.07})
    model = Agent.load(train(experiment, "blind", 0)).model
    assert model.clip_range(1.0) == 0.07
    assert model.n_epochs == 2
    assert open_training(set_up(experiment, "blind"), 0).env.num_envs == model.n_envs == 4


@pytest.mark.parametrize(("clip", "learned"), [(10.0, 10.0), (50.0, 20.0)])
def test_rewards_are_cut_where_the_configuration_says(
    tmp_path: Path, clip: float, learned: float
) -> None:
    experiment = load(tmp_path, "PPO", **{"agent.clip_reward": clip})
    env = open_training(set_up(experiment, "blind"), 0).env
    env.ret_rms.var = np.array(0.25)
    assert env.normalize_reward(np.array([-10.0, 1.0, 10.0])) == pytest.approx(
        [-learned, 2.0, learned]
    )
    env.close()


def test_the_learning_rate_falls_to_a_twentieth_and_stays() -> None:
    rate = learning_rate(AgentConfig(learning_rate=2e-3))
    assert not isinstance(rate, float)
    remaining = [1.0, 0.75, 0.5, 0.05, 0.04, 0.0]
    assert [rate(left) for left in remaining] == pytest.approx(
        [2e-3, 1.5e-3, 1e-3, 1e-4, 1e-4, 1e-4]
    )
    assert learning_rate(AgentConfig(learning_rate=2e-3, schedule="constant")) == 2e-3


def box(low: list[float], high: list[float]) -> spaces.Box:
    return spaces.Box(np.float32(low), np.float32(high))


@pytest.mark.parametrize(
    ("space", "told"),
    [
        (box([-2, 0], [1, 5]), "number 1 of its actions, from 0 to 5, and reach 36 % of it"),
        (box([-1, -500], [1, 500]), "number 1 of its actions, from -500 to 500, and reach 0 %"),
        (box([-0.01], [0.01]), "of which 1 % lie within number 0"),
        (box([3], [4]), "of which 0 % lie within number 0"),
        (box([-1, 0], [1, 1]), None),  # steering and gas
        (box([-0.4, -2], [0.4, 2]), None),
        (box([7, -1], [7, 1]), None),  # one value alone needs no exploring
        (spaces.Discrete(300), None),
    ],
)
def test_actions_that_noise_hardly_explores_are_told_of(
    space: spaces.Space[Any], told: str | None
) -> None:
    words = unscaled_actions(AgentConfig(), space)
    assert words is None if told is None else told in str(words)
    assert unscaled_actions(AgentConfig(algorithm="SAC"), space) is None


def test_noise_is_the_users_own_choice_where_actions_are_of_one() -> None:
    assert unscaled_actions(AgentConfig(log_std_init=-4), box([-1], [1])) is None
    assert unscaled_actions(AgentConfig(log_std_init=1.5), box([-5], [5])) is None
    assert unscaled_actions(AgentConfig(log_std_init=-4), box([-5], [5])) is not None
