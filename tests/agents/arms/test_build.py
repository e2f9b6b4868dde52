"""What each arm sees: the same in training and in play, and nothing that it must not see."""

import shutil
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.wrappers import TransformReward

from agents.arms.build import open_training, set_up
from agents.arms.registry import ARMS, ArmName
from agents.policy.agent import Agent
from agents.policy.algorithms import make_model
from agents.prepare import prepare
from agents.run.agent_card import read_card
from agents.train import train
from tests.tiny import load
from worldvae.autoencoders.encoder import Encoder
from worldvae.envs import make_vec
from worldvae.envs.dots import DotsEnv
from worldvae.errors import WorldvaeError
from worldvae.rollouts import RolloutStore
from worldvae.rollouts.policies import EpsilonPolicy
from worldvae.wrappers.observer import Moment
from worldvae.wrappers.stack import ObservedVectorEnv


@pytest.fixture(scope="module")
def runs(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared: each test trains an arm or a seed that is its own."""
    return Path(shutil.copytree(prepared, tmp_path_factory.mktemp("arms") / "runs"))


IN_REALITY = [name for name, arm in ARMS.items() if not arm.trains_in_dream]


@pytest.mark.parametrize("arm", IN_REALITY)
def test_in_play_an_agent_sees_what_its_training_showed(runs: Path, arm: ArmName) -> None:
    """Step by step over several episodes, in an environment of its own with the same seed.

    Of images the channels come first in training; a policy that plays moves them itself.
    """
    experiment = load(runs)
    training = open_training(set_up(experiment, arm), seed=3)
    env, observer = training.env, training.observer(ARMS[arm])
    plain = make_vec(experiment.env, experiment.agent.num_envs, seed=3)
    env.get_attr("observer")[0].learns = False  # the units stay, so that both can be compared
    acted = None
    generator = np.random.default_rng(0)
    expected, (frames, info) = env.reset(), plain.reset()
    episode_start, ends = np.ones(4, bool), 0
    for _ in range(100):
        seen, _ = observer.step(Moment(frames, info.get("state"), acted), episode_start)
        shown = expected.transpose(0, 2, 3, 1) if expected.ndim == 4 else expected
        np.testing.assert_allclose(seen, shown, atol=1e-5)
        actions = generator.integers(env.action_space.n, size=4)
        acted = actions
        expected, _, episode_start, _ = env.step(actions)
        frames, _, _, _, info = plain.step(actions)
        ends += int(episode_start.sum())
    assert ends >= 4


def test_a_dream_shows_what_reality_does_with_memory(runs: Path) -> None:
    """The same spaces, and from the first frame of an episode the same observation."""
    experiment = load(runs, **{"dream.starts": "first", "dream.horizon": 5})
    training = open_training(set_up(experiment, "dream"), seed=3)
    real = open_training(set_up(experiment, "memory"), seed=3).env
    assert training.env.observation_space == real.observation_space
    assert training.env.action_space == real.action_space
    assert training.env.num_envs == experiment.dream.num_envs == 4
    shown = training.env.reset()
    firsts = [
        RolloutStore(experiment.rollouts_folder).frames(record)[0]
        for record in RolloutStore(experiment.rollouts_folder).records
        if record.split == "train"
    ]
    observer = training.observer(ARMS["dream"])
    seen, _ = observer.step(Moment(np.stack(firsts)), np.ones(len(firsts), bool))
    for row in shown:
        assert np.abs(seen - row).max(axis=1).min() < 1e-5
    dones = [training.env.step(np.zeros(4, int))[2] for _ in range(5)]
    assert dones[-1].all(), "the horizon is that of the configuration"


def test_the_memory_of_a_collecting_agent_holds_what_was_done(runs: Path) -> None:
    """Half of its actions are replaced by random ones, as in collection."""
    experiment = load(runs, **{"agent.env_steps": 1})
    agent = Agent.load(train(experiment, "memory", 3), deterministic=True)
    plain = make_vec(experiment.env, 2, seed=5)
    shown = ObservedVectorEnv(
        make_vec(experiment.env, 2, seed=5),
        Agent.load(experiment.agent_folder("memory", 3)).observer,
    )
    space = plain.single_action_space
    exploring = EpsilonPolicy(agent, space, np.random.default_rng(0), epsilon=0.5)
    (frames, _), (expected, _) = plain.reset(), shown.reset()
    starts, replaced = np.ones(2, bool), 0
    for _ in range(60):
        actions = exploring(frames, starts)
        np.testing.assert_allclose(agent.seen, expected, atol=1e-5)
        chosen, _ = agent.model.predict(agent.seen, deterministic=True)
        replaced += int((chosen != actions).sum())
        frames, _, terminated, truncated, _ = plain.step(actions)
        expected, *_ = shown.step(actions)
        starts = terminated | truncated
    assert replaced > 20


def test_agents_learn_from_the_same_rewards_in_any_unit(tmp_path: Path) -> None:
    """Also where the environment pays in millionths, from the first decisions on."""

    def rewards(unit: float) -> list[np.ndarray]:
        name = f"tests/Paid-{unit:g}-v0".replace("e-", "by")
        gym.register(name, lambda **_: TransformReward(DotsEnv(), lambda paid: unit * float(paid)))
        env = {"id": name, "workers": "sync", "max_episode_steps": 20}
        training = open_training(set_up(load(tmp_path, env=env), "blind"), seed=0).env
        training.reset()
        moves = np.random.default_rng(0).integers(0, 5, (60, training.num_envs))
        paid = [training.step(actions)[1] for actions in moves]
        training.close()
        return paid

    one, millionth = rewards(1.0), rewards(1e-6)
    assert np.abs(one).max() > 0.1
    np.testing.assert_allclose(millionth, one, rtol=1e-4)


def test_dreams_must_fit_the_batches_of_the_algorithm(runs: Path) -> None:
    with pytest.raises(
        WorldvaeError,
        match=r"dream\.num_envs = 5: batch_size 60 does not divide n_steps x num_envs = 150",
    ):
        prepare(load(runs, **{"dream.num_envs": 5}), ("dream",))


def test_final_observations_of_the_blind(runs: Path) -> None:
    """An episode's last observation holds how it ended, the next one begins without a past."""
    env = open_training(set_up(load(runs), "blind"), seed=0).env
    env.reset()
    count = env.action_space.n
    for number in range(200):
        obs, _, done, infos = env.step(np.full(4, number % count))
        if done[0]:
            break
    last = infos[0]["terminal_observation"].reshape(2, count)
    assert last[1].argmax() == number % count
    assert last[0].argmax() == (number - 1) % count
    assert (last.sum(axis=1) == 1).all()
    assert (obs[0] == 0).all()


def test_final_observations_of_the_state(runs: Path) -> None:
    """They go on from the step before; the first state of the next episode does not."""
    env = open_training(set_up(load(runs), "state"), seed=0).env
    env.get_attr("observer")[0].learns = False  # their units are 0 and 1 still
    obs, before = env.reset(), None
    for _ in range(200):
        before = obs[0].reshape(2, -1)
        obs, _, done, infos = env.step(np.zeros(4, int))
        if done[0]:
            break
    last, first = infos[0]["terminal_observation"].reshape(2, -1), obs[0].reshape(2, -1)
    np.testing.assert_array_equal(last[0], before[1])
    np.testing.assert_array_equal(first[0], first[1])
    assert not np.array_equal(first[1], last[1])


def test_the_blind_see_nothing_of_the_world(runs: Path) -> None:
    """The same actions give the same observations, whatever the seed of the environment."""
    seen = []
    for seed in (0, 1):
        env = open_training(set_up(load(runs), "blind"), seed).env
        observations = [env.reset()]
        observations += [env.step(np.full(4, action))[0] for action in (0, 1, 1, 0)]
        seen.append(np.array(observations))
    np.testing.assert_array_equal(*seen)
    assert seen[0].any()


def test_finetune_begins_as_the_pretrained_encoder_and_learns_on(runs: Path) -> None:
    experiment = load(runs, **{"agent.stack": 3})
    prepare(experiment, ("finetune",))
    setup = set_up(experiment, "finetune")
    env = open_training(setup, seed=0).env
    latent = open_training(set_up(experiment, "latent"), seed=0).env
    model = make_model(experiment.agent, env, 0, "cpu", setup.policy_arguments())
    frames, expected = env.reset(), latent.reset()
    images = torch.from_numpy(frames).float()
    with torch.no_grad():
        found = model.policy.features_extractor(images).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
    before = [p.detach().clone() for p in model.policy.features_extractor.parameters()]
    model.learn(2 * 4 * 30)
    after = list(model.policy.features_extractor.parameters())
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_finetune_leaves_the_encoder_on_disk_alone(runs: Path) -> None:
    experiment = load(runs)
    frames = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), np.uint8)
    before = Encoder.load(experiment.encoder_folder).encode(frames)
    folder = train(experiment, "finetune", 0)
    assert np.array_equal(Encoder.load(experiment.encoder_folder).encode(frames), before)
    assert read_card(folder).encoder_sha256 is not None
    model = Agent.load(folder).model
    trained = model.policy.features_extractor.encoder(torch.from_numpy(frames).float())
    assert not np.allclose(trained.detach().numpy(), before, atol=1e-3)


def test_a_state_agent_knows_its_units_again(runs: Path) -> None:
    """The statistics of the state are part of the agent: saved, loaded, gone on with."""
    folder = train(load(runs), "state", 0)
    card, agent = read_card(folder), Agent.load(folder)
    assert np.std(card.state_var) > 0
    obs = np.zeros((1, 40, 40, 3), np.uint8)
    state = np.array(card.state_mean[: len(card.state_mean) // 2])[None]
    seen, _ = agent.observer.step(Moment(obs, state), np.array([True]))
    half = seen.shape[1] // 2
    np.testing.assert_allclose(seen[0, :half], 0, atol=1e-4)


def test_without_a_reader_the_state_arm_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WorldvaeError, match="nothing reads the state of CartPole-v1"):
        prepare(load(tmp_path, env={"id": "CartPole-v1", "workers": "sync"}), ("state",))


@pytest.mark.parametrize("arm", IN_REALITY)
def test_the_state_is_read_for_those_who_observe_it(runs: Path, arm: ArmName) -> None:
    setup = set_up(load(runs), arm)
    for world in (setup.open_world(), setup.evaluation_world):
        vec = world.make_vec(1, seed=0)
        assert ("state" in vec.reset()[1]) == (arm == "state")


def test_a_state_agent_that_is_not_shown_the_state_is_one_line(runs: Path) -> None:
    agent = Agent.load(train(load(runs), "state", 0))
    with pytest.raises(WorldvaeError, match="needs the true state"):
        agent(np.zeros((1, 40, 40, 3), np.uint8), np.array([True]))


@pytest.mark.parametrize("arm", ["blind", "finetune", "dream"])
def test_of_a_dict_each_arm_sees_what_it_may(tmp_path: Path, arm: ArmName) -> None:
    clock = {"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"}
    camera = {"kwargs": {"as_dict": True}, "image_key": "camera"}
    experiment = load(tmp_path, **{"env": {**clock, **camera}})
    prepare(experiment, (arm,))
    agent = Agent.load(train(experiment, arm, 0))
    space = agent.model.observation_space
    assert space.shape if arm == "blind" else set(space.spaces) == {"camera", "speed"}
