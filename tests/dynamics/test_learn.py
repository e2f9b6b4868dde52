"""learn_dynamics: killed anywhere it ends the same; folders are whole, claimed, and a dream."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.dynamics_folders import TINY_DYNAMICS
from tests.encoders import DOTS, make_encoder
from tests.kills import kill_everywhere
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.config import NetworkConfig
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.checkpoint import hash_dynamics, load_dynamics
from worldvae.dynamics.config import KEPT_BURN_IN, KEPT_STARTS, DynamicsConfig, Starts
from worldvae.dynamics.dream import DreamVectorEnv
from worldvae.dynamics.dream_source import DreamSource
from worldvae.dynamics.dynamics_files import LEARNING
from worldvae.dynamics.learn import (
    learn_dynamics,
    make_untrained_dynamics,
)
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.starts_file import FIELDS, load_starts
from worldvae.envs import EnvConfig
from worldvae.envs.world import RealWorld
from worldvae.errors import ArtifactError, ConfigError
from worldvae.fingerprint import MADE_WITH, Fingerprint
from worldvae.rollouts import Episode, RolloutConfig, RolloutStore, collect


@pytest.fixture(autouse=True)
def _torch_encodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime has threads of its own, and its locks do not survive a fork."""
    refuse: Callable[..., str] = lambda *_: "it does not survive a fork"  # noqa: E731
    monkeypatch.setattr("worldvae.autoencoders.backends._refusal_of_onnxruntime", refuse)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rollouts of Dots and an encoder with random weights."""
    folder = tmp_path_factory.mktemp("made")
    collect(
        RolloutStore.create(folder / "rollouts", DOTS),
        RolloutConfig(frames=900, num_envs=4, policies={"random": 1.0}),
        seed=0,
    )
    make_encoder(DOTS).save(folder / "encoder")
    return folder


def learn(made: Path, folder: Path, **changes: Any) -> Path:
    config = TINY_DYNAMICS.model_copy(update=changes)
    learn_dynamics(RolloutStore(made / "rollouts"), made / "encoder", config, folder)
    return folder


def test_the_folder_alone_is_a_dream(made: Path, tmp_path: Path) -> None:
    folder = learn(made, tmp_path / "dynamics")
    card = load_dynamics(folder)[1]
    assert card.trained
    assert card.env_id == DOTS.id
    assert card.encoder_sha256 == hash_encoder(made / "encoder")
    assert card.limit == 60, "Dots truncates every episode there"
    env = DreamVectorEnv(DreamSource.load(folder, horizon=5), 3, 0)
    obs, _ = env.reset(seed=1)
    assert obs.shape == (3, 8 + TINY_DYNAMICS.memory)
    truncated = [env.step(np.zeros(3, np.int64))[3] for _ in range(5)]
    assert truncated[-1].any()


def test_an_encoder_is_given_as_to_any_wrapper(made: Path, tmp_path: Path) -> None:
    """Itself, its folder, or its address."""
    store, encoder = RolloutStore(made / "rollouts"), Encoder.load(made / "encoder")
    for make in (learn_dynamics, make_untrained_dynamics):
        folder = tmp_path / make.__name__
        for given in (encoder, made / "encoder", str(made / "encoder")):
            make(store, given, TINY_DYNAMICS, folder)
        assert load_dynamics(folder)[1].encoder_sha256 == hash_encoder(made / "encoder")
        with pytest.raises(ConfigError, match=r"hf://nobody: expected hf://USER/NAME"):
            make(store, "hf://nobody", TINY_DYNAMICS, folder)
        with pytest.raises(ConfigError, match=r"load it with Encoder\.load"):
            make(store, Encoder(encoder.model, encoder.card), TINY_DYNAMICS, folder)


def test_the_device_is_named_as_in_commands(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    store, folder = RolloutStore(made / "rollouts"), tmp_path / "dynamics"
    for _ in range(2):  # learned, then loaded
        learn_dynamics(store, made / "encoder", TINY_DYNAMICS, folder, device="auto")
    assert Encoder.load(made / "encoder", device="auto").device == "cpu"
    DreamVectorEnv.load(folder, num_envs=1, device="auto")


def test_a_finished_folder_is_loaded_and_another_is_refused(made: Path, tmp_path: Path) -> None:
    folder = learn(made, tmp_path / "dynamics")
    before = LEARNING.read(folder)
    assert before.steps == 6
    learn(made, folder)
    assert LEARNING.read(folder) == before
    with pytest.raises(ArtifactError, match=r"was made with dynamics\.memory = 8, now it is 16"):
        learn(made, folder, memory=16)
    other = tmp_path / "other"
    shutil.copytree(made / "rollouts", other / "rollouts")
    make_encoder(DOTS, network=NetworkConfig(latents=8, channels=(4, 4))).save(other / "encoder")
    with pytest.raises(ArtifactError, match="encoder_sha256"):
        learn(other, folder)


@pytest.mark.parametrize("make", [learn_dynamics, make_untrained_dynamics])
def test_finished_dynamics_of_fewer_episodes_or_others_are_told_of(
    made: Path, tmp_path: Path, make: Callable[..., Dynamics]
) -> None:
    """Whoever learns in rounds would go on without a word of the new episodes."""
    folder, told = tmp_path / "dynamics", "not learnt from all {} training episodes that .*{} holds"
    grown = RolloutStore(shutil.copytree(made / "rollouts", tmp_path / "grown"))
    make(grown, made / "encoder", TINY_DYNAMICS, folder)
    with warnings.catch_warnings(action="error"):
        make(grown, made / "encoder", TINY_DYNAMICS, folder)
    collect(grown, RolloutConfig(frames=1800, num_envs=4, policies={"random": 1.0}), seed=0)
    other = RolloutStore.create(tmp_path / "other", DOTS)
    collect(other, RolloutConfig(frames=900, num_envs=4), seed=1)
    for store in (grown, other):
        count = sum(record.split == "train" for record in store.records)
        with pytest.warns(UserWarning, match=told.format(count, store.folder.name)) as warned:
            make(store, made / "encoder", TINY_DYNAMICS, folder)
        assert [warning.filename for warning in warned] == [__file__]


@pytest.mark.parametrize("is_control", [False, True])
def test_without_a_note_of_its_settings_another_model_is_refused(
    made: Path, tmp_path: Path, is_control: bool
) -> None:
    make = make_untrained_dynamics if is_control else learn_dynamics
    store, wider = RolloutStore(made / "rollouts"), TINY_DYNAMICS.model_copy(update={"memory": 16})
    folder, other = tmp_path / "dynamics", tmp_path / "encoder"
    make_encoder(DOTS, network=NetworkConfig(latents=8, channels=(4, 4))).save(other)
    make(store, made / "encoder", TINY_DYNAMICS, folder, seed=0)
    (folder / "made_with.yaml").unlink()
    make(store, made / "encoder", TINY_DYNAMICS, folder, seed=0)
    with pytest.raises(ArtifactError, match=r"\.memory = 8, now it is 16"):
        make(store, made / "encoder", wider, folder, seed=0)
    with pytest.raises(ArtifactError, match="was made with encoder_sha256"):
        make(store, other, TINY_DYNAMICS, folder, seed=0)
    assert not (folder / "made_with.yaml").exists()


def test_the_note_of_settings_has_its_keys_in_one_order(made: Path, tmp_path: Path) -> None:
    """Else folders that were made with the same would differ."""
    store, before = RolloutStore(made / "rollouts"), learn(made, tmp_path / "before")
    settings = [name for name in DynamicsConfig.model_fields if name != "max_minutes"]
    data = ["seed", "data_sha256", "encoder_sha256"]
    for make, section in ((learn_dynamics, "dynamics"), (make_untrained_dynamics, "initial")):
        for begin_with, rest in ((None, data), (before, [*data, "begins_with"])):
            folder = tmp_path / f"{section}_{len(rest)}"
            make(store, made / "encoder", TINY_DYNAMICS, folder, begin_with=begin_with)
            sections = Fingerprint.read(folder / MADE_WITH).sections
            assert [*sections] == [section, *rest]
            assert [*sections[section]] == settings


def test_killed_anywhere_it_ends_with_the_same_weights(made: Path, tmp_path: Path) -> None:
    whole = learn(made, tmp_path / "whole")
    broken = tmp_path / "broken"
    kills = kill_everywhere(lambda: learn(made, broken), broken)
    assert len(kills) > 10
    assert hash_dynamics(broken) == hash_dynamics(whole)
    assert not (broken / "checkpoint.pt").exists()


def test_the_control_differs_in_its_weights_alone(made: Path, tmp_path: Path) -> None:
    store = RolloutStore(made / "rollouts")
    trained = learn(made, tmp_path / "trained")
    folder = tmp_path / "untrained"
    for _ in range(2):  # made, then loaded
        make_untrained_dynamics(store, made / "encoder", TINY_DYNAMICS, folder, 0)
    (one, card), (other, control) = load_dynamics(trained), load_dynamics(folder)
    assert not control.trained
    same = {"trained": True, "scores": card.scores}
    assert control.model_copy(update=same) == card
    units = {
        name: value for name, value in one.named_buffers() if "support" in name or "scale" in name
    }
    assert units
    assert all(
        torch.equal(value, dict(other.named_buffers())[name]) for name, value in units.items()
    )
    assert not torch.equal(one.members[0].end.weight, other.members[0].end.weight)
    assert all(map(torch.equal, kept_starts(trained), kept_starts(folder)))


def test_a_metric_that_overflows_ends_no_learning(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = Dynamics.loss

    def overflowing(self: Dynamics, *arguments: Any) -> Any:
        value, metrics = loss(self, *arguments)
        return value, {**metrics, "codes": torch.tensor(torch.inf)}

    monkeypatch.setattr(Dynamics, "loss", overflowing)
    folder = learn(made, tmp_path / "dynamics")
    assert load_dynamics(folder)[1].scores["codes"] == torch.inf
    assert LEARNING.read(folder).metrics["codes"] == torch.inf


def test_a_control_is_never_trained_dynamics(made: Path, tmp_path: Path) -> None:
    store = RolloutStore(made / "rollouts")
    arguments = store, made / "encoder", TINY_DYNAMICS
    trained, random = learn(made, tmp_path / "trained"), tmp_path / "random"
    with pytest.raises(ArtifactError, match="trained holds trained dynamics; choose another"):
        make_untrained_dynamics(*arguments, trained, seed=0)
    make_untrained_dynamics(*arguments, random, seed=0)
    with pytest.raises(ArtifactError, match=r"made with initial\.\w+ = .*, now it is not there"):
        learn(made, random)
    with pytest.raises(ArtifactError, match="seed = 0, now it is 1"):
        make_untrained_dynamics(*arguments, random, seed=1)


def kept_starts(folder: Path) -> list[torch.Tensor]:
    """What the file of starts holds; safetensors writes its two notes in any order."""
    banks = [
        load_starts(folder, "train", kind, KEPT_BURN_IN, KEPT_STARTS) for kind in get_args(Starts)
    ]
    return [getattr(bank, name) for bank in banks for name in FIELDS]


def test_learning_on_begins_with_the_weights_of_another_folder(made: Path, tmp_path: Path) -> None:
    first = learn(made, tmp_path / "first")
    store = RolloutStore(made / "rollouts")
    still = TINY_DYNAMICS.model_copy(update={"learning_rate": 1e-12})
    on = learn_dynamics(store, made / "encoder", still, tmp_path / "on", begin_with=first)
    before = load_dynamics(first)[0].state_dict()
    for name, value in on.state_dict().items():
        torch.testing.assert_close(value, before[name], atol=1e-6, rtol=1e-6, equal_nan=True)
    for other in ({"memory": 16}, {"head": "categorical"}, {"members": 2}):
        changed = TINY_DYNAMICS.model_copy(update=other)
        with pytest.raises(ArtifactError, match="another network than this config's"):
            learn_dynamics(
                store, made / "encoder", changed, tmp_path / str(other), begin_with=first
            )


def test_learning_on_reaches_rewards_that_were_unknown_before(made: Path, tmp_path: Path) -> None:
    """Before, the world had no goal, and all rewards were 0."""
    aimless = DOTS.model_copy(update={"kwargs": {**DOTS.kwargs, "goal": False}})
    store = RolloutStore.create(tmp_path / "rollouts", DOTS)
    few = RolloutConfig(frames=300, num_envs=4, policies={"random": 1.0})
    collect(store, few, seed=0, world=RealWorld(aimless))
    first = tmp_path / "first"
    learn_dynamics(store, made / "encoder", TINY_DYNAMICS, first)
    later = RolloutStore(made / "rollouts")
    model = learn_dynamics(
        later, made / "encoder", TINY_DYNAMICS, tmp_path / "on", begin_with=first
    )
    paid = [later.arrays(one)["reward"] for one in later.records if one.split == "train"]
    low, high = (float(end(np.concatenate(paid))) for end in (np.min, np.max))
    support = dict(model.named_buffers())["members.0.reward.support"]
    assert support[[0, -1]].tolist() == pytest.approx([low, high])
    before = load_dynamics(first)[0]
    assert torch.equal(model.change_scale, before.change_scale)
    assert not torch.equal(model.reward_scale, before.reward_scale)


def test_learning_on_keeps_the_units_of_keys(tmp_path: Path) -> None:
    """Of other episodes the speed has another mean; weights know it in the units before."""
    camera = EnvConfig(
        **{"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"},
        kwargs={"as_dict": True},
        image_key="camera",
    )
    longer = camera.model_copy(update={"kwargs": {"as_dict": True, "spread": 20}})
    stores = [RolloutStore.create(tmp_path / name, camera) for name in ("few", "many")]
    wide = RolloutConfig(frames=150, num_envs=4, policies={"random": 1.0})
    collect(stores[0], wide, seed=0)
    collect(stores[1], wide, seed=0, world=RealWorld(longer))
    make_encoder(camera).save(tmp_path / "encoder")
    cards = []
    for store, before in zip(stores, (None, tmp_path / "few_dynamics"), strict=True):
        folder = tmp_path / f"{store.folder.name}_dynamics"
        learn_dynamics(store, tmp_path / "encoder", TINY_DYNAMICS, folder, begin_with=before)
        cards.append(load_dynamics(folder)[1])
    assert cards[1].keys == cards[0].keys
    fresh = tmp_path / "fresh"
    learn_dynamics(stores[1], tmp_path / "encoder", TINY_DYNAMICS, fresh)
    assert load_dynamics(fresh)[1].keys[0].mean[0] > 1.5 * cards[0].keys[0].mean[0]


def test_of_a_bandit_there_is_nothing_to_learn(tmp_path: Path) -> None:
    """Whose frame after a decision is no part of its episode; more of them would not help."""
    store, encoder = RolloutStore.create(tmp_path / "rollouts", DOTS), tmp_path / "encoder"
    frames = np.random.default_rng(0).integers(0, 256, (30, 2, *DOTS.frame.shape), np.uint8)
    for obs in frames:
        store.append(bandit(obs))
    make_encoder(DOTS).save(encoder)
    with pytest.raises(ArtifactError, match="every episode ends with its first decision: there is"):
        learn_dynamics(store, encoder, TINY_DYNAMICS, tmp_path / "dynamics")


def bandit(obs: NDArray[np.uint8]) -> Episode:
    return Episode(
        obs=obs,
        action=np.zeros(1, np.int64),
        reward=np.ones(1),
        terminated=np.ones(1, bool),
        truncated=np.zeros(1, bool),
        seed=0,
        policy="random",
    )
