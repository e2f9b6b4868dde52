"""Every algorithm learns in every arm from every kind of observation, and all are fed alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from gymnasium.spaces import Dict
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, CombinedExtractor
from torch import Tensor

from agents.arms.build import ArmSetup, TrainingEnv, check_cameras, open_training, set_up
from agents.arms.registry import ARMS, ArmName
from agents.config.agent import ALGORITHMS, AlgorithmName
from agents.config.experiment import Experiment
from agents.policy.agent import Agent
from agents.policy.algorithms import make_model
from agents.prepare import collect_rollouts
from tests.odd import SIDE
from tests.tiny import TINY
from worldvae.autoencoders.pretrain import make_untrained_encoder
from worldvae.dynamics.learn import make_untrained_dynamics
from worldvae.envs import make_vec
from worldvae.errors import ConfigError, TrainingError

CHOOSES, STEERS = {"actions": "from five"}, {"actions": "whole"}
ON_POLICY = {"n_steps": 6, "batch_size": 12, "n_epochs": 1}
REPLAY = {"buffer_size": 60, "learning_starts": 8, "batch_size": 4}
LEARNS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "PPO": (CHOOSES, ON_POLICY),
    "RecurrentPPO": (STEERS, ON_POLICY),
    "A2C": (STEERS, {"n_steps": 6}),
    "DQN": (CHOOSES, REPLAY),
    "SAC": (STEERS, REPLAY),
    "TQC": (STEERS, REPLAY),
    "CrossQ": (STEERS, REPLAY),
}
SHOWS: dict[str, list[str]] = {"image": [], "dict": ["speed", "gear"], "cameras": ["speed", "rear"]}
CASES = [
    (algorithm, shows)
    for algorithm in get_args(AlgorithmName)
    for shows in SHOWS
    if shows != "cameras" or algorithm in {"PPO", "SAC"}
]
"""All of them, but a second image in a Dict only once with a rollout and once with a replay buffer.

Every algorithm keeps and scales all keys of a Dict alike, and has a first image in "dict".
"""

STACK, LATENTS = 2, 4

Fed = dict[str, list[Tensor]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rollouts, untrained encoders and dynamics of each kind: what is learned is not asked here."""
    runs = tmp_path_factory.mktemp("inputs")
    for shows in SHOWS:
        for algorithm in ("PPO", "SAC"):
            experiment = load(runs, shows, algorithm)
            store = collect_rollouts(experiment)
            for folder in (experiment.encoder_folder, experiment.untrained_encoder_folder):
                make_untrained_encoder(store, experiment.pretrain, folder, seed=0)
            for folder in (experiment.dynamics_folder, experiment.untrained_dynamics_folder):
                made = experiment.encoder_folder, experiment.dynamics, folder
                make_untrained_dynamics(store, *made, seed=0)
    return runs


def load(runs: Path, shows: str, algorithm: str) -> Experiment:
    actions, settings = LEARNS[algorithm]
    env = {
        "id": "odd/Read-v0",
        "import": "tests.odd",
        "workers": "sync",
        "kwargs": {**actions, "keys": SHOWS[shows]},
        "frame": {"height": SIDE, "width": SIDE},
        "image_key": "camera" if SHOWS[shows] else None,
    }
    agent = {
        "env_steps": 48,
        "num_envs": 2,
        "stack": STACK,
        "net_arch": [8],
        "algorithm": algorithm,
        "settings": settings,
    }
    name = f"{shows}-{actions['actions'].replace(' ', '-')}"
    values = {"runs": str(runs), "name": name, "env": env, "agent": agent, "rollouts.frames": 100}
    return Experiment.load(TINY, values)


@pytest.mark.parametrize(("algorithm", "shows"), CASES)
def test_an_algorithm_learns_in_every_arm(runs: Path, shows: str, algorithm: str) -> None:
    experiment = load(runs, shows, algorithm)
    for arm, row in ARMS.items():
        setup = set_up(experiment, arm)
        if row.world == "dream" and "rear" in SHOWS[shows]:
            with pytest.raises(ConfigError, match="also shows the images rear"):
                check_cameras(setup)
            continue
        training = open_training(setup, seed=0)
        is_dict = isinstance(training.env.observation_space, Dict)
        if ALGORITHMS[experiment.agent.algorithm].has_one_policy and is_dict:
            with pytest.raises(TrainingError, match="CrossQ of sb3-contrib learns from no Dict"):
                make_model(experiment.agent, training.env, 0, "cpu", setup.policy_arguments())
            continue
        model = make_model(experiment.agent, training.env, 0, "cpu", setup.policy_arguments())
        with watched(model) as fed:
            model.learn(24)
            keys = SHOWS[shows] if row.observes != "actions" else []
            check_fed(fed, arm, shape_of(experiment, arm), keys, algorithm)
            check_played(setup, model, training, fed)


@contextmanager
def watched(model: BaseAlgorithm) -> Iterator[Fed]:
    """What the first layers are given, by key; "camera" of an observation without keys."""
    fed: Fed = {}

    def note(name: str) -> Any:
        return lambda _, inputs: fed.setdefault(name, []).append(inputs[0].detach().clone())

    modules = [*model.policy.modules()]
    parts = [m.extractors for m in modules if isinstance(m, CombinedExtractor)]
    named = [pair for extractors in parts for pair in extractors.items()]
    inner = {id(part) for _, part in named}
    for module in modules:
        alone = isinstance(module, BaseFeaturesExtractor) and id(module) not in inner
        if alone and not isinstance(module, CombinedExtractor):
            named.append(("camera", module))
    hooks = [part.register_forward_pre_hook(note(key)) for key, part in named]
    yield fed
    for hook in hooks:
        hook.remove()


def shape_of(experiment: Experiment, arm: ArmName) -> tuple[int, ...]:
    """What the first layers of an arm are given in place of one frame."""
    remembered = LATENTS + experiment.dynamics.memory
    actions = 3 if LEARNS[experiment.agent.algorithm][0] is CHOOSES else 2
    shapes: dict[str, tuple[int, ...]] = {
        "frames": (3 * STACK, SIDE, SIDE),
        "latents": (LATENTS * STACK,),
        "latents + memory": (remembered,),
        "true state": (STACK,),
        "actions": (STACK * actions,),
    }
    return shapes[ARMS[arm].observes]


def check_fed(
    fed: Fed, arm: ArmName, shape: tuple[int, ...], keys: list[str], algorithm: str
) -> None:
    assert set(fed) == {"camera", *keys}
    white = {"pixels": 1.0, "finetune": 255.0}  # the encoder takes grey levels
    for image in fed["camera"]:
        assert image.shape[1:] == shape
        if arm in white:
            check_range(image / white[arm])
    for gear in fed.get("gear", []):
        assert gear.shape[1:] == (4,)
        if ARMS[arm].world == "dream":
            continue  # where each of its numbers is imagined on its own
        padded = algorithm == "RecurrentPPO"  # sequences of unequal length, whose rest is masked
        assert ((gear.sum(1) == 1) | (padded & (gear == 0).all(1))).all()
    for speed in fed.get("speed", []):
        assert speed.shape[1:] == (1,)
        assert 0 <= speed.min() <= speed.max() <= 99
    for rear in fed.get("rear", []):
        assert rear.shape[1:] == (3, SIDE, SIDE)
        check_range(rear)


def check_range(image: Tensor) -> None:
    """Noise from black to white, which is 1."""
    assert 0 <= image.min() < 0.1
    assert 0.9 < image.max() <= 1


def check_played(setup: ArmSetup, model: BaseAlgorithm, training: TrainingEnv, fed: Fed) -> None:
    """An agent in play is fed what it was trained on, and acts in the environment's own space."""
    observer = training.observer(setup.arm)
    agent = Agent(model, setup.arm, observer, setup.env.image_key)
    vec = make_vec(setup.env, 2, seed=0)
    obs, info = vec.reset()
    trained = {key: values[0].shape[1:] for key, values in fed.items()}
    fed.clear()
    actions = agent(obs, np.ones(2, bool), info["state"])
    vec.step(actions)
    assert {key: values[0].shape[1:] for key, values in fed.items()} == trained
    vec.close()
