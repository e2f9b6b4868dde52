"""Killed at renames and removals of files, the same call ends as if it had not been."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.compare import compare
from agents.config.experiment import Experiment
from agents.policy.agent import Agent
from agents.prepare import collect_rollouts, prepare_untrained_encoder, pretrain_encoder
from agents.run.agent_card import own_dynamics, own_encoder, read_card
from agents.train import train
from tests.agents.drift.test_watch import REFITTED
from tests.kills import Kill, files_of, kill_everywhere, leftovers
from tests.tiny import load
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.dynamics.checkpoint import hash_dynamics
from worldvae.rollouts import RolloutStore

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _torch_encodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime has threads of its own, and its locks do not survive a fork."""
    refuse: Callable[..., str] = lambda *_: "it does not survive a fork"  # noqa: E731
    monkeypatch.setattr("worldvae.autoencoders.backends._refusal_of_onnxruntime", refuse)


DQN = {
    "algorithm": "DQN",
    "num_envs": 2,
    "env_steps": 400,
    "checkpoint_every": 100,
    "settings": {"learning_starts": 20, "buffer_size": 200, "batch_size": 16, "train_freq": 4},
}


def struck(kills: list[Kill], *files: str) -> None:
    """Each of `files` was killed before and after the call that makes or removes it."""
    for file in files:
        assert {kill.after for kill in kills if kill.file == file} == {False, True}, file


def values(path: Path) -> dict[str, Any]:
    """What a JSON file holds but for what no two runs share."""
    told = json.loads(path.read_text())
    return {
        key: value
        for key, value in told.items()
        if key not in {"command", "versions", "peak_memory", "rollouts", "files", "sha256"}
        and "seconds" not in key
    }


LUCK = {"returns", "lengths", "successes", "refresh_env_steps"}
"""Values of a result that follow from weights or episodes, which differ once it was killed."""


def settled(path: Path) -> dict[str, Any]:
    """What the result of an agent says whatever its weights: steps, sizes, how it was scored."""
    told = {key: value for key, value in values(path).items() if key not in LUCK}
    scored = [key for key in told if key in {"evaluation", "otherwise"}]
    for key in scored:
        one = told[key]
        told[key] = {name: value for name, value in one.items() if name not in LUCK}
        assert len(one["returns"]) == len(one["lengths"]) == len(one["seeds"])
    return told


def check_charged(folder: Path, shared: RolloutStore | None = None) -> None:
    """The agent in `folder` is charged each episode of its own once, with what it took."""
    card, result = read_card(folder), json.loads((folder / "result.json").read_text())
    (store,) = [RolloutStore(path) for path in folder.glob("r*_1/rollouts")]
    own = [record for record in store.records if shared is None or record not in shared.records]
    assert own
    assert {record.policy for record in own} == {"agent"}
    spent = store.env.action_repeat * sum(record.length for record in own)
    assert result["refresh_env_steps"] == card.refresh_env_steps == spent
    assert result["refresh_seconds"] == card.refresh_seconds
    assert card.refresh_seconds > sum(record.seconds for record in own), "and fitting"


def check_whole(folder: Path, like: Path) -> None:
    """Nothing is left over and nothing is missing."""
    assert not list(leftovers(folder))
    assert files_of(folder) == files_of(like)


def test_a_collection(tmp_path: Path) -> None:
    experiment = load(tmp_path)
    folder = experiment.rollouts_folder
    kills = kill_everywhere(lambda: collect_rollouts(experiment), folder)
    struck(kills, "env.json", "settings.yaml", "state.json", "N.frames.npy", "N.npz", "result.json")
    assert not list(leftovers(folder))
    store = RolloutStore(folder)
    assert store.num_frames >= experiment.rollouts.frames
    assert store.healthy() == store.records
    assert values(folder / "result.json")["frames"] == store.num_frames
    names = {f"{record.name}.{kind}" for record in store.records for kind in ("frames.npy", "npz")}
    assert names == {path.name for path in folder.glob("0*")}


FEW = {"rollouts.frames": 250}
"""Enough to hold some out: what is killed is begun two dozen times."""


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders `runs` that hold rollouts and nothing else."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    collect_rollouts(load(whole, **FEW))
    return whole, shutil.copytree(whole, killed)


@pytest.mark.parametrize("make", [pretrain_encoder, prepare_untrained_encoder])
def test_an_encoder(two: tuple[Path, Path], make: Callable[[Experiment], object]) -> None:
    folders = []
    for runs in two:
        experiment = load(runs, **FEW)
        is_random = make is prepare_untrained_encoder
        folders.append(
            experiment.untrained_encoder_folder if is_random else experiment.encoder_folder
        )
    whole, folder = folders
    make(load(two[0], **FEW))
    kills = kill_everywhere(lambda: make(load(two[1], **FEW)), folder)
    struck(kills, "settings.yaml", "model.safetensors", "card.json", "config.json")
    check_whole(folder, whole)
    for name in ("model.safetensors", "card.json", "config.json", "settings.yaml"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name
    if make is pretrain_encoder:
        struck(kills, "checkpoint.pt", "X.png", "result.json", "health.html", "health.json")
        for name in ("result.json", "health.json"):
            assert values(folder / name) == values(whole / name), name


@pytest.mark.parametrize("agent", [{}, DQN], ids=["PPO", "DQN"])
def test_a_training(runs: Path, tmp_path: Path, agent: dict[str, Any]) -> None:
    shutil.copytree(runs, tmp_path / "whole")
    own = {f"agent.{key}": value for key, value in agent.items()}
    whole = train(load(tmp_path / "whole", **own), "latent", 0)
    experiment = load(runs, **own)
    folder = experiment.agent_folder("latent", 0)
    kills = kill_everywhere(lambda: train(experiment, "latent", 0), folder)
    struck(kills, "settings.yaml", "model_N.zip", "card.json", "video.webm", "result.json")
    if agent:
        struck(kills, "replay_N.pkl")
    for one in (folder, whole):
        shutil.rmtree(one / "log")  # a part for each beginning
    check_whole(folder, whole)
    card = read_card(folder)
    weights = {path.name for path in [*folder.glob("model_*"), *folder.glob("replay_*")]}
    assert weights == {card.model, card.replay} - {""}
    assert settled(folder / "result.json") == settled(whole / "result.json")
    assert card.env_steps == read_card(whole).env_steps
    Agent.load(folder)


def test_the_end_of_a_training_with_a_replay_buffer(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The buffer is of no use then, and may be larger than all else; the rest needs none."""
    experiment = load(runs, **{f"agent.{key}": value for key, value in DQN.items()})
    folder = experiment.agent_folder("blind", 0)
    with monkeypatch.context() as patch:
        patch.setattr("agents.train._finish", lambda *_: None)
        train(experiment, "blind", 0)
    trained = read_card(folder)
    assert (folder / trained.replay).is_file()
    kills = kill_everywhere(lambda: train(experiment, "blind", 0), folder)
    struck(kills, "video.webm", "card.json", "replay_N.pkl", "result.json")
    assert read_card(folder) == trained.without_replay
    assert not [*folder.glob("replay_*"), *leftovers(folder)]
    result = values(folder / "result.json")
    (folder / "result.json").write_text("damaged")
    train(experiment, "blind", 0)
    assert values(folder / "result.json") == result


ROUNDS = {"dream.rounds": 2, "dream.refit_encoder": False, "rollouts.frames": 100}
"""The settings of two rounds; `rollouts.frames` are those of the second, since others are there."""


def test_a_round(runs: Path, tmp_path: Path) -> None:
    for one in (runs, tmp_path / "whole"):
        if one != runs:
            shutil.copytree(runs, one)
        for settings in one.glob("*/*/settings.yaml"):
            settings.unlink()
    whole = train(load(tmp_path / "whole", **ROUNDS), "dream", 0)
    experiment = load(runs, **ROUNDS)
    folder = experiment.agent_folder("dream", 0)
    kills = kill_everywhere(lambda: train(experiment, "dream", 0), folder / "round_1")
    struck(kills, "env.json", "manifest.jsonl", "N.npz", "model.safetensors", "card.json")
    struck(kills, "starts.safetensors", "checkpoint.pt", "result.json")
    check_whole(folder / "round_1", whole / "round_1")
    card = read_card(folder)
    assert card.refreshes == 1
    assert hash_encoder(own_encoder(folder, card)) == card.encoder_sha256
    assert hash_dynamics(own_dynamics(folder, card)) == card.dynamics_sha256
    store = RolloutStore(folder / "round_1/rollouts")
    assert store.healthy() == store.records
    assert len(store.records) == len(set(store.folder.glob("*.npz"))), "each episode is listed"
    assert not [record for record in store.records if record.policy not in {"agent", "smooth"}]
    assert settled(folder / "result.json") == settled(whole / "result.json")
    check_charged(folder, RolloutStore(experiment.rollouts_folder))


def test_a_refresh(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs, tmp_path / "whole")
    refitted = {**REFITTED, "drift.refresh_frames": 150}
    whole = train(load(tmp_path / "whole", **refitted), "latent", 0)
    experiment = load(runs, **refitted)
    folder = experiment.agent_folder("latent", 0)
    kills = kill_everywhere(lambda: train(experiment, "latent", 0), folder / "refresh_1")
    struck(kills, "env.json", "N.npz", "model.safetensors", "card.json", "result.json")
    struck(kills, "checkpoint.pt", "X.png")
    check_whole(folder / "refresh_1", whole / "refresh_1")
    card = read_card(folder)
    assert card.refreshes == 1
    assert hash_encoder(own_encoder(folder, card)) == card.encoder_sha256
    store = RolloutStore(folder / "refresh_1/rollouts")
    assert store.healthy() == store.records
    assert len(store.records) == len(set(store.folder.glob("*.npz"))), "each episode is listed"
    assert settled(folder / "result.json") == settled(whole / "result.json")
    check_charged(folder)


def test_the_report_of_a_comparison(runs: Path) -> None:
    experiment = load(runs, **{"compare.arms": ["latent"], "compare.seeds": [0]})
    train(experiment, "latent", 0)
    kills = kill_everywhere(lambda: compare(experiment), experiment.folder)
    struck(kills, "config.yaml", "side_by_side.webm", "side_by_side.json", "scores.csv")
    struck(kills, "X.png", "report.html", "report.md")
    assert not list(leftovers(experiment.folder))
    found = files_of(experiment.folder)
    for name in ("config.yaml", "scores.csv", "report.html", "report.md", "side_by_side.webm"):
        assert name in found
