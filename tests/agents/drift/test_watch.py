"""Drift during real, tiny trainings: what is logged, warned of, refitted, charged and resumed."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.config.experiment import Experiment
from agents.config.sections import DriftConfig
from agents.drift.outliers import FRAMES_KEPT, Outliers, read_outliers
from agents.drift.task import calls_for_refit
from agents.drift.watch import EvenSample
from agents.policy.agent import Agent
from agents.run.agent_card import AgentCard, read_card
from agents.run.drift_log import DriftLine, read_lines
from agents.run.load import read_run
from agents.run.stage_results import Cost
from agents.train import train
from tests.tiny import load
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.diagnostics.drift import Reading, Readings
from worldvae.errors import WorldvaeError
from worldvae.jsonl import read_jsonl
from worldvae.rollouts import RolloutStore

WATCHED = {"drift.every": 300, "drift.frames": 40}
# So low that the tiny encoder is always left behind.
REFITTED = {
    **WATCHED,
    "drift.refresh": True,
    "drift.warn_share": 1e-9,
    "drift.refresh_frames": 400,
    "drift.refresh_steps": 8,
}


@pytest.mark.parametrize(("frames", "decisions"), [(10, 100), (7, 95), (64, 64), (300, 64)])
def test_a_sample_is_even_over_time_and_environments(frames: int, decisions: int) -> None:
    """Frame (time, environment), 4 environments, over three intervals."""
    sample = EvenSample(frames, decisions)
    for time in range(3 * decisions // 4):
        inputs = np.zeros((4, 1, 1, 2), np.uint8)
        inputs[:, 0, 0, 0], inputs[:, 0, 0, 1] = time, np.arange(4)
        sample.offer(inputs)
        inputs[:] = 255  # it keeps copies
    taken = sample.take()[:, 0, 0].astype(int)
    wanted = min(frames, decisions) * 3 * (3 * decisions // 4 * 4) / (3 * decisions)
    assert len(taken) == int(wanted)
    counts = np.bincount(taken[:, 1], minlength=4)
    assert counts.max() - counts.min() <= 1
    thirds = np.histogram(taken[:, 0], 3, (0, 3 * decisions // 4))[0]
    assert thirds.max() - thirds.min() <= 4
    assert len(sample) == 0
    assert len({(time, env) for time, env in taken}) == len(taken)


def look(strangeness: NDArray[np.float64]) -> tuple[Any, ...]:
    frames = np.tile(strangeness.astype(np.uint8)[:, None, None, None], (1, 4, 4, 3))
    return frames, Readings(strangeness, strangeness / 2, frames), strangeness


def test_the_strangest_frames_of_all_are_kept_until_a_checkpoint_forgets_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "strangest.npz"
    Outliers(path).add(*look(np.arange(10.0)), env_steps=100)
    Outliers(path, env_steps=100).add(*look(np.array([5.5, 20])), env_steps=200)
    kept = read_outliers(path)
    assert kept["strangeness"].tolist() == [20, 9, 8, 7, 6, 5.5, 5, 4]
    assert kept["frames"][:, 0, 0, 0].tolist() == [20, 9, 8, 7, 6, 5, 5, 4]
    assert kept["error"].tolist() == [10, 4.5, 4, 3.5, 3, 2.75, 2.5, 2]
    Outliers(path, env_steps=150).add(*look(np.array([1.0])), env_steps=170)
    assert read_outliers(path)["strangeness"].tolist() == [9, 8, 7, 6, 5, 4, 1]
    path.write_bytes(b"PK")
    with pytest.raises(WorldvaeError, match="damaged"):
        read_outliers(path)


def line(strange: float, refreshes: int = 0) -> DriftLine:
    reading = Reading(mean=1, ratio=1, beyond=strange)
    return DriftLine(frames=9, distance=reading, error=None, env_steps=5, refreshes=refreshes)


def test_a_refresh_is_asked_for_by_the_newest_line_of_the_present_encoder() -> None:
    config = DriftConfig(refresh=True, warn_share=0.25, refreshes=2)
    assert calls_for_refit(config, [line(0.0), line(0.3)], 0)
    assert not calls_for_refit(config, [line(0.3), line(0.2)], 0)
    assert not calls_for_refit(config, [line(0.3)], 1), "it was refitted since"
    assert not calls_for_refit(config, [line(0.3, refreshes=2)], 2), "no more are left"
    assert not calls_for_refit(DriftConfig(), [line(0.3)], 0)
    assert not calls_for_refit(config, [], 0)


@pytest.mark.parametrize("arm", ["latent", "untrained", "pixels"])
def test_what_a_training_logs(runs: Path, arm: Any) -> None:
    folder = train(load(runs, **WATCHED), arm, 0)
    lines = read_lines(folder)
    strangest = read_outliers(folder / "strangest.npz")
    if arm == "pixels":
        assert not lines
        assert not strangest
        return
    assert len(lines) >= 3
    assert [one.env_steps for one in lines] == sorted({one.env_steps for one in lines})
    assert all(one.frames >= 32 and 0 <= one.strange <= 1 for one in lines)
    assert all((one.error is None) == (arm == "untrained") for one in lines)
    assert ("decoded" in strangest) == (arm == "latent")
    assert strangest["frames"].shape == (FRAMES_KEPT, 40, 40, 3)
    assert not (folder / "refresh_1").exists()


def test_it_warns_once_and_says_what_to_do(runs: Path) -> None:
    experiment = load(runs, **WATCHED, **{"drift.warn_share": 1e-9})
    with pytest.warns(UserWarning, match=r"drift\.refresh: true") as warned:
        train(experiment, "latent", 0)
    assert len([one for one in warned if "stranger" in str(one.message)]) == 1


def test_watching_changes_nothing_and_can_be_left_out(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs, tmp_path / "again")
    folders = [
        train(load(runs, **WATCHED), "latent", 0),
        train(load(tmp_path / "again", **{"drift.every": 0}), "latent", 0),
    ]
    results = [json.loads((folder / "result.json").read_text()) for folder in folders]
    assert results[0]["evaluation"] == results[1]["evaluation"]
    assert not (folders[1] / "drift.jsonl").exists()


def test_without_the_rollouts_an_agent_trains_unwatched(runs: Path) -> None:
    experiment = load(runs, **WATCHED)
    shutil.rmtree(experiment.rollouts_folder)
    with pytest.warns(UserWarning, match="drift is not measured"):
        folder = train(experiment, "latent", 0)
    assert not read_lines(folder)


def check_refitted(experiment: Experiment, folder: Path) -> AgentCard:
    """Everything that a refresh has to leave behind."""
    card, own = read_card(folder), folder / "refresh_1"
    assert card.refreshes == 1
    assert card.encoder == "refresh_1/encoder"
    assert card.encoder_sha256 == hash_encoder(own / "encoder")
    assert card.encoder_sha256 != hash_encoder(experiment.encoder_folder)
    store = RolloutStore(own / "rollouts")
    assert store.num_frames >= 400
    assert {record.policy for record in store.records} == {"agent"}
    assert card.refresh_env_steps == store.env_steps
    lines = read_lines(folder)
    assert {one.refreshes for one in lines} == {0, 1}
    assert [one.env_steps for one in lines] == sorted({one.env_steps for one in lines})
    agent = Agent.load(folder)
    assert agent.encode is not None
    assert hash_encoder(own / "encoder") == card.encoder_sha256
    return card


def test_an_agent_left_behind_has_its_encoder_refitted_and_pays_for_it(runs: Path) -> None:
    experiment = load(runs, **REFITTED)
    with pytest.warns(UserWarning, match="the encoder is refitted"):
        folder = train(experiment, "latent", 0)
    card = check_refitted(experiment, folder)
    refitted = json.loads((folder / "refresh_1/result.json").read_text())
    assert card.refresh_seconds == refitted["seconds"] > 0
    assert card.refresh_cpu_seconds == refitted["cpu_seconds"] > 0
    (agent,) = read_run(experiment.folder).agents
    assert agent.result is not None
    trained = Cost(card.env_steps, agent.result.seconds)
    assert agent.result.cost == trained + Cost(card.refresh_env_steps, card.refresh_seconds)
    assert agent.measured[-1].env_steps == card.env_steps + card.refresh_env_steps
    rows = read_jsonl(folder / "evaluations.jsonl")
    assert rows[-1]["refresh_env_steps"] == card.refresh_env_steps
    assert not (read_run(experiment.folder).agents[0].damage)


def test_a_refitted_encoder_shows_the_agents_frames_in_the_units_of_the_old_one(
    runs: Path,
) -> None:
    """Mean and deviation of every latent, wherever it deviated enough."""
    experiment = load(runs, **REFITTED, **{"pretrain.learning_rate": 1e-3})
    folder = train(experiment, "latent", 0)
    store = RolloutStore(folder / "refresh_1/rollouts")
    frames = np.concatenate([store.frames(r) for r in store.records if r.split == "train"])
    old = Encoder.load(experiment.encoder_folder)
    new = Encoder.load(folder / "refresh_1/encoder")
    before, after = (one.whiten(one.encode(frames)) for one in (old, new))
    assert not np.array_equal(old.encode(frames), new.encode(frames))
    assert after.mean(0) == pytest.approx(before.mean(0), abs=1e-3)
    awake = before.std(0) > 0.25
    assert awake.any()
    assert after.std(0)[awake] == pytest.approx(before.std(0)[awake], rel=1e-3)


def test_the_control_arm_is_never_refitted(runs: Path) -> None:
    folder = train(load(runs, **REFITTED), "untrained", 0)
    assert read_card(folder).refreshes == 0
    assert not (folder / "refresh_1").exists()


class KilledError(BaseException):
    """Not an Exception: nothing may catch it."""


def die(*_: Any, **__: Any) -> None:
    raise KilledError


@pytest.mark.parametrize("place", ["agents.drift.task.write_card", "agents.train._finish"])
def test_killed_after_a_refresh_it_goes_on(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """And ends as a training that was not killed: the refresh begins at a checkpoint.

    test_kills.py kills it within the refresh.
    """
    shutil.copytree(runs, tmp_path / "whole")
    whole = train(load(tmp_path / "whole", **REFITTED), "latent", 0)
    experiment = load(runs, **REFITTED)
    with monkeypatch.context() as patch:
        patch.setattr(place, die)
        with pytest.raises(KilledError):
            train(experiment, "latent", 0)
    folder = train(experiment, "latent", 0)
    assert check_refitted(experiment, folder).encoder_sha256 == read_card(whole).encoder_sha256
    results = [json.loads((one / "result.json").read_text()) for one in (folder, whole)]
    assert results[0]["evaluation"] == results[1]["evaluation"]


def test_another_refitted_encoder_is_refused(runs: Path) -> None:
    experiment = load(runs, **REFITTED)
    folder = train(experiment, "latent", 0)
    own = folder / "refresh_1/encoder"
    shutil.rmtree(own)
    shutil.copytree(experiment.untrained_encoder_folder, own)
    with pytest.raises(WorldvaeError, match="not the encoder that the agent"):
        Agent.load(folder)
    (folder / "result.json").unlink()
    with pytest.raises(WorldvaeError, match=r"another encoder than the one in .*refresh_1"):
        train(experiment, "latent", 0)


def test_what_learns_from_old_latents_is_not_refitted(runs: Path) -> None:
    with pytest.raises(WorldvaeError, match="DQN learns from latents"):
        load(runs, **{"agent": {"algorithm": "DQN"}, "drift.refresh": True})
