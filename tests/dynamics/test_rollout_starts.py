"""Dreams that begin from rollouts which are named, in place of those kept with the dynamics."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.dynamics.folders import KEY, Folders, make_folders
from tests.encoders import DOTS
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.actions import PolicyActions
from worldvae.dynamics.checkpoint import load_dynamics
from worldvae.dynamics.config import DreamSettings, DynamicsConfig
from worldvae.dynamics.dream import DreamVectorEnv
from worldvae.dynamics.dream_source import DreamSource
from worldvae.dynamics.learn import learn_dynamics, make_untrained_dynamics
from worldvae.dynamics.rollout_starts import starts_of_rollouts
from worldvae.errors import ArtifactError, ConfigError
from worldvae.rollouts import RolloutConfig, RolloutStore, collect


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return make_folders(tmp_path_factory.mktemp("rollout_starts"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RolloutStore:
    """Episodes of a bold step that often reach the goal, and others that the limit cuts."""
    task = {"kwargs": {"speed": 0.1}, "max_episode_steps": 36, "action_repeat": 3}
    env = DOTS.model_copy(update=task)
    store = RolloutStore.create(tmp_path_factory.mktemp("rollouts") / "rollouts", env)
    collect(store, RolloutConfig(frames=300, num_envs=4, policies={"random": 1.0}), 0)
    return store


def test_every_legal_frame_of_the_split_is_a_start(folders: Folders, store: RolloutStore) -> None:
    _, card = load_dynamics(folders.dynamics)
    settings = DreamSettings(burn_in=2, bank=10**5)
    bank = starts_of_rollouts(
        store.folder, folders.encoder, folders.dynamics, card, "train", settings
    )
    records = [record for record in store.healthy() if record.split == "train"]
    assert {record.terminated for record in records} == {True, False}
    legal = [
        (number, frame)
        for number, record in enumerate(records)
        for frame in range(record.length + 1 - record.terminated)
    ]
    assert bank.places.tolist() == [list(place) for place in legal]
    encoder = Encoder.load(folders.encoder)
    for row in (0, 7, len(legal) // 2, len(legal) - 1):
        number, frame = legal[row]
        frames = store.frames(records[number])[max(0, frame - 2) : frame + 1]
        codes = encoder.whiten(encoder.encode(np.array(frames)))
        assert np.allclose(bank.codes[row, -len(frames) :], codes, atol=1e-4)
        taken = store.arrays(records[number])["action"][max(0, frame - 2) : frame]
        if len(taken):
            assert (bank.actions[row, -len(taken) :].argmax(-1).numpy() == taken).all()
    assert (folders.dynamics / "codes").is_dir(), "frames are encoded once"


def test_a_dream_begins_from_them(folders: Folders, store: RolloutStore) -> None:
    source = DreamSource.load(
        folders.dynamics, encoder=folders.encoder, rollouts=store.folder, bank=20
    )
    kept = DreamSource.load(folders.dynamics, bank=20)
    assert len(source.starts.code) == 20
    assert not torch.equal(source.starts.code, kept.starts.code)
    with pytest.raises(ConfigError, match="give encoder=FOLDER too, to encode them with"):
        DreamSource.load(folders.dynamics, rollouts=store.folder)


def test_rollouts_of_another_task_are_refused(folders: Folders, store: RolloutStore) -> None:
    _, card = load_dynamics(folders.dynamics)
    others = {
        "its actions are Discrete": card.model_copy(update={"actions": PolicyActions(choices=4)}),
        "decisions of 4 steps, .* takes 3; set": card.model_copy(update={"action_repeat": 4}),
        "its episodes hold the keys none beside": card.model_copy(update={"keys": (KEY,)}),
    }
    for message, other in others.items():
        with pytest.raises(ArtifactError, match=message):
            starts_of_rollouts(
                store.folder, folders.encoder, folders.dynamics, other, "train", DreamSettings()
            )


def test_learnt_dynamics_keep_the_starts_of_every_split(
    folders: Folders, store: RolloutStore, tmp_path: Path
) -> None:
    """The folder alone is a dream, of trained and of untrained dynamics."""
    config = DynamicsConfig(
        memory=8, hidden=8, steps=2, evaluate_every=2, batch_size=4, window=6, observed=2
    )
    learn_dynamics(store, folders.encoder, config, tmp_path / "trained")
    make_untrained_dynamics(store, folders.encoder, config, tmp_path / "untrained", seed=0)
    for name in ("trained", "untrained"):
        env = DreamVectorEnv.load(tmp_path / name, 4, seed=0, split="test", horizon=3)
        env.reset()
        _, _, terminated, truncated, _ = [env.step(np.zeros(4, int)) for _ in range(3)][-1]
        assert (terminated | truncated).any()
        named = DreamSource.load(
            tmp_path / name, encoder=folders.encoder, rollouts=store.folder, split="test"
        )
        assert torch.allclose(named.starts.code, env.source.starts.code)
        assert torch.allclose(named.starts.carried, env.source.starts.carried)
