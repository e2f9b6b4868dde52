"""A folder of dynamics alone is a dream, for Gymnasium, Stable-Baselines3, CleanRL and torchrl."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env as gymnasium_check
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env as sb3_check
from torch import nn

from tests.dynamics.folders import KEY, Folders, make_folders
from tests.encoders import DOTS, make_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.checkpoint import load_dynamics
from worldvae.dynamics.dream import DreamVectorEnv
from worldvae.dynamics.dream_source import DreamSource
from worldvae.dynamics.starts_file import load_starts
from worldvae.dynamics.world import DreamWorld
from worldvae.envs.world import World
from worldvae.errors import ArtifactError, ConfigError
from worldvae.wrappers.sb3 import VectorEnvAdapter

ID = "worldvae/Dream-v0"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return make_folders(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module", params=["discrete", "box", "keys", "lstm ensemble"])
def any_folders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    kinds: dict[str, dict[str, Any]] = {
        "discrete": {},
        "box": {"box": True, "head": "categorical"},
        "keys": {"keys": (KEY,), "head": "gaussian"},
        "lstm ensemble": {"core": "lstm", "members": 3},
    }
    return make_folders(tmp_path_factory.mktemp("kind"), **kinds[request.param])


def test_it_is_an_environment_of_gymnasium_and_of_stable_baselines3(any_folders: Folders) -> None:
    made = {"dynamics": any_folders.dynamics, "encoder": any_folders.encoder, "horizon": 9}
    env = gym.make(ID, **made, render_mode="rgb_array")
    gymnasium_check(env.unwrapped)
    sb3_check(env)
    env.close()


def test_one_is_made_by_its_name_and_many_too(folders: Folders) -> None:
    settings = {"dynamics": str(folders.dynamics), "horizon": 6, "starts": "first"}
    single, vector = gym.make(ID, **settings), gym.make_vec(ID, 1, **settings)
    assert gym.make(ID, **settings).spec.max_episode_steps is None
    obs, _ = single.reset(seed=2)
    others, _ = vector.reset(seed=2)
    for _ in range(5):
        assert (obs == others[0]).all()
        obs, others = single.step(1)[0], vector.step(np.ones(1, int))[0]
    assert gym.make(single.spec).unwrapped.source.settings.horizon == 6
    assert isinstance(vector.unwrapped, DreamVectorEnv)


def test_registering_it_loads_no_torch() -> None:
    code = (
        "import sys, gymnasium, worldvae.envs; gymnasium.spec('worldvae/Dream-v0'); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_pictures_are_what_the_encoder_decodes(folders: Folders) -> None:
    env = DreamVectorEnv.load(
        folders.dynamics, 3, seed=0, render_mode="rgb_array", encoder=folders.encoder
    )
    obs, _ = env.reset()
    encoder = Encoder.load(folders.encoder)
    frames = env.render()
    assert isinstance(frames, tuple)
    assert len(frames) == 3
    expected = encoder.decode(encoder.unwhiten(obs[:, : encoder.latents]))
    assert (np.stack(frames) == expected).all()


def test_grey_pictures_are_shown_with_three_channels(tmp_path: Path) -> None:
    found = make_folders(tmp_path, color="gray")
    source = {"encoder": found.encoder, "dynamics": found.dynamics}
    env = gym.make(ID, render_mode="rgb_array", **source)
    env.reset()
    assert env.render().shape == (32, 32, 3)
    assert env.unwrapped.picture().shape == (32, 32, 1)


def test_another_encoder_is_refused(folders: Folders, tmp_path: Path) -> None:
    make_encoder(DOTS, objective={"beta": 7}).save(tmp_path)
    with pytest.raises(ArtifactError, match="not the encoder whose latents the dynamics in"):
        DreamVectorEnv.load(folders.dynamics, encoder=tmp_path)


def test_one_network_cannot_disagree(folders: Folders) -> None:
    with pytest.raises(ConfigError, match="holds one network, which cannot disagree"):
        DreamSource.load(folders.dynamics, max_disagreement=1.0)


def test_each_split_has_starts_of_its_own(folders: Folders) -> None:
    dynamics, _ = load_dynamics(folders.dynamics)
    seen = []
    for split in ("train", "validation", "test"):
        source = DreamSource.load(folders.dynamics, split=split, burn_in=3, bank=5)
        bank = load_starts(folders.dynamics, split, "any", 3, 5)
        assert torch.equal(source.starts.carried, bank.states(dynamics).carried)
        seen.append(source.starts.code)
    assert not any((one[:, None] == two).all(-1).any() for one, two in pairwise(seen))
    with pytest.raises(ConfigError, match="no starts of the split all, only of test, train, val"):
        DreamSource.load(folders.dynamics, split="all")


def test_stable_baselines3_learns_in_it(any_folders: Folders) -> None:
    env = VectorEnvAdapter(DreamVectorEnv.load(any_folders.dynamics, 8, seed=0, horizon=5))
    policy = "MultiInputPolicy" if hasattr(env.observation_space, "spaces") else "MlpPolicy"
    model = PPO(policy, env, n_steps=8, batch_size=32, n_epochs=1, seed=0)
    before = [weights.clone() for weights in model.policy.parameters()]
    model.learn(128)
    assert model.num_timesteps == 128
    moved = zip(before, model.policy.parameters(), strict=True)
    assert any(not torch.equal(old, new) for old, new in moved)


def test_stable_baselines3_shows_it(folders: Folders) -> None:
    """Side by side, as its recorder of videos takes them; nothing without a render_mode."""
    given = {"encoder": folders.encoder, "num_envs": 2, "seed": 0}
    dreams = DreamVectorEnv.load(folders.dynamics, render_mode="rgb_array", **given)
    env = VectorEnvAdapter(dreams)
    env.reset()
    shown = dreams.render()
    assert shown is not None
    np.testing.assert_array_equal(env.get_images(), shown)
    image = env.render("rgb_array")
    assert image is not None
    assert image.size == 2 * shown[0].size
    with pytest.warns(UserWarning, match="without a render_mode"):
        assert VectorEnvAdapter(DreamVectorEnv.load(folders.dynamics, 2)).get_images() == [None] * 2


def test_the_loop_of_cleanrl_runs_in_it(folders: Folders) -> None:
    """Its `ppo.py`: rollouts of tensors, generalised advantages, one update."""
    envs = RecordEpisodeStatistics(DreamVectorEnv.load(folders.dynamics, 4, horizon=6))
    size = int(np.prod(envs.single_observation_space.shape))
    critic, actor = nn.Linear(size, 1), nn.Linear(size, envs.single_action_space.n)
    parameters = [*critic.parameters(), *actor.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=2.5e-4)
    obs, _ = envs.reset(seed=1)
    next_obs, next_done = torch.Tensor(obs), torch.zeros(4)
    seen, taken, rewards, values, dones, lengths = [], [], [], [], [], []
    for _ in range(16):
        chosen = torch.distributions.Categorical(logits=actor(next_obs)).sample()
        seen.append(next_obs)
        taken.append(chosen)
        dones.append(next_done)
        values.append(critic(next_obs).flatten().detach())
        obs, reward, terminations, truncations, infos = envs.step(chosen.numpy())
        rewards.append(torch.tensor(reward).float())
        next_obs, next_done = torch.Tensor(obs), torch.Tensor(terminations | truncations)
        if "episode" in infos:
            lengths += infos["episode"]["l"][infos["_episode"]].tolist()
    advantages, last = [], torch.zeros(4)
    following = critic(next_obs).flatten().detach(), next_done
    for step in reversed(range(16)):
        going_on = 1 - following[1]
        delta = rewards[step] + 0.99 * following[0] * going_on - values[step]
        last = delta + 0.99 * 0.95 * going_on * last
        following = values[step], dones[step]
        advantages.insert(0, last)
    logits = torch.distributions.Categorical(logits=actor(torch.cat(seen)))
    before = actor.weight.detach().clone()
    loss = -(logits.log_prob(torch.cat(taken)) * torch.cat(advantages)).mean()
    loss.backward()
    optimizer.step()
    assert not torch.equal(actor.weight, before)
    assert lengths
    assert max(lengths) <= 6


def test_torchrl_steps_it(folders: Folders) -> None:
    torchrl = pytest.importorskip("torchrl.envs", reason="torchrl is not among our dependencies")
    env = torchrl.GymWrapper(DreamVectorEnv.load(folders.dynamics, 4, horizon=6))
    steps = env.rollout(20, break_when_any_done=False)
    assert steps.batch_size == (4, 20)
    assert steps["next", "truncated"].any()


def test_a_dream_is_a_world(folders: Folders) -> None:
    source = DreamSource.load(folders.dynamics, encoder=folders.encoder, temperature=0)
    world: World = DreamWorld(source)
    assert (world.name, world.image_key) == ("a dream of Linear-v0", None)
    assert (world.has_limit, world.action_repeat) == (True, 3)
    env, vector = world.make_env(), world.make_vec(1, seed=4)
    obs, _ = env.reset(seed=4)
    assert (vector.reset()[0][0] == obs).all()
    encoder = Encoder.load(folders.encoder)
    decoded = encoder.decode(encoder.unwhiten(obs[None, : encoder.latents]))[0]
    assert (world.picture(env, obs) == decoded).all()
