"""An agent observes in a dream what it observes in reality, so it goes from one to the other."""

from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3 import PPO

from tests.encoders import NETWORK, make_encoder
from worldvae.dynamics.config import DynamicsConfig
from worldvae.dynamics.dream import DreamVectorEnv
from worldvae.dynamics.learn import make_untrained_dynamics
from worldvae.envs import EnvConfig, make_vec
from worldvae.rollouts import RolloutConfig, RolloutStore, collect
from worldvae.rollouts.keys import KeyBounds
from worldvae.wrappers.latent import LatentVectorObservation
from worldvae.wrappers.sb3 import VectorEnvAdapter

CLOCK = {"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"}
ENVS = {
    "frames": EnvConfig(**CLOCK),
    "frames and a speed": EnvConfig(**CLOCK, kwargs={"as_dict": True}, image_key="camera"),
}
SMALL = DynamicsConfig(memory=6, hidden=8, window=4, observed=2)


@pytest.mark.parametrize("name", ENVS)
def test_an_agent_of_a_dream_goes_on_in_reality(name: str, tmp_path: Path) -> None:
    env = ENVS[name]
    store = RolloutStore.create(tmp_path / "rollouts", env)
    collect(store, RolloutConfig(frames=120, num_envs=4, policies={"random": 1.0}), 0)
    make_encoder(env, network=NETWORK).save(tmp_path / "encoder")
    make_untrained_dynamics(store, tmp_path / "encoder", SMALL, tmp_path / "dynamics", 0)
    dream = DreamVectorEnv.load(tmp_path / "dynamics", 2, seed=0, horizon=6)
    reality = LatentVectorObservation(
        make_vec(env, 2, 0),
        tmp_path / "encoder",
        image_key=env.image_key,
        dynamics=tmp_path / "dynamics",
    )
    assert dream.single_observation_space == reality.single_observation_space
    assert dream.single_action_space == reality.single_action_space
    obs, _ = dream.reset()
    assert dream.observation_space.contains(obs)
    policy = "MlpPolicy" if env.image_key is None else "MultiInputPolicy"
    model = PPO(policy, VectorEnvAdapter(dream), n_steps=8, batch_size=16, n_epochs=1, seed=0)
    model.learn(16).save(tmp_path / "agent")
    again = PPO.load(tmp_path / "agent", env=VectorEnvAdapter(reality))
    again.learn(16)
    dream.close()
    reality.close()


def test_a_start_shows_the_keys_of_its_frame(tmp_path: Path) -> None:
    """A clock's speed is its age, which the number of the frame says."""
    env = ENVS["frames and a speed"]
    store = RolloutStore.create(tmp_path / "rollouts", env)
    collect(store, RolloutConfig(frames=120, num_envs=4, policies={"random": 1.0}), 0)
    make_encoder(env, network=NETWORK).save(tmp_path / "encoder")
    make_untrained_dynamics(store, tmp_path / "encoder", SMALL, tmp_path / "dynamics", 0)
    dream = DreamVectorEnv.load(tmp_path / "dynamics", 64, seed=0, starts="any")
    obs, _ = dream.reset()
    ages = obs["speed"][:, 0]
    assert np.allclose(ages, ages.round(), atol=1e-4)
    assert {*ages.round().tolist()} >= {0, 1, 2, 3}
    first = DreamVectorEnv.load(tmp_path / "dynamics", 64, seed=0, starts="first")
    assert np.allclose(first.reset()[0]["speed"], 0, atol=1e-4)


@pytest.mark.parametrize(
    "space",
    [
        spaces.Box(0, 1, (2,), np.float32),
        spaces.Box(np.array([-np.inf, 0.1]), np.array([0.3, np.inf]), dtype=np.float32),
        spaces.Box(np.finfo(np.float32).min, np.finfo(np.float32).max, (3,), np.float32),
    ],
)
def test_a_file_keeps_the_bounds_of_a_space(space: spaces.Box) -> None:
    kept = KeyBounds.model_validate_json(KeyBounds.of(space).model_dump_json())
    assert kept.space(space.shape[0]) == space
    unknown = KeyBounds().space(2)
    assert unknown == spaces.Box(-np.inf, np.inf, (2,), np.float32)
