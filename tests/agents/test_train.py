"""One real, tiny training of each arm: what it leaves, that it repeats, resumes and refuses."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from agents.agent_task import AgentTask
from agents.arms.build import open_training, set_up
from agents.arms.registry import ARMS, ArmName
from agents.policy.agent import Agent
from agents.policy.evaluate import evaluate
from agents.prepare import collect_rollouts, encoder, prepare, pretrain_encoder
from agents.run.agent_card import read_card
from agents.run.load import read_run
from agents.train import advise_cores, measure, train
from tests.tiny import load
from worldvae.envs import make_vec
from worldvae.envs.world import RealWorld
from worldvae.errors import WorldvaeError
from worldvae.jsonl import read_jsonl

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def trained(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `runs` of tests/tiny.yaml with an agent of latents and one of pixels; to be copied."""
    runs = shutil.copytree(prepared, tmp_path_factory.mktemp("trained") / "runs")
    for arm in ("latent", "pixels"):
        train(load(runs), arm, 0)
    return runs


@pytest.fixture
def finished(trained: Path, tmp_path: Path) -> Path:
    """A copy of them for one test: training one of these two agents again finds it done."""
    return shutil.copytree(trained, tmp_path / "finished")


def weights(folder: Path) -> torch.Tensor:
    policy = Agent.load(folder).model.policy
    return torch.cat([weight.detach().flatten() for weight in policy.parameters()])


@pytest.mark.parametrize("arm", [*ARMS])
def test_an_arm_leaves_what_it_should(finished: Path, arm: ArmName) -> None:
    experiment = load(finished)
    folder = train(experiment, arm, 0)
    result = json.loads((folder / "result.json").read_text())
    assert (result["arm"], result["seed"]) == (arm, 0)
    spent = {True: ("dreamed_steps", "env_steps"), False: ("env_steps", "dreamed_steps")}
    trained, other = spent[ARMS[arm].trains_in_dream]
    assert 1200 <= result[trained] < 1200 + 4 * 30 * 2
    assert result[other] == 0
    assert result["evaluation"]["seeds"] == [1_000_000, 1_000_001, 1_000_002, 1_000_003]
    assert len(result["evaluation"]["returns"]) == 4
    assert (result["parameters_frozen"] > 0) == ARMS[arm].freezes_encoder
    assert result["cpu_seconds"] > 0
    assert result["peak_memory"] > 1e7
    assert not result["evaluation"]["deterministic"]
    assert result["otherwise"]["deterministic"]
    evaluations = read_jsonl(folder / "evaluations.jsonl")
    assert [row[trained] // 400 for row in evaluations] == [1, 2, 3][: len(evaluations)]
    assert len(evaluations) >= 2
    assert all(len(row["returns"]) == 2 for row in evaluations)
    episodes = read_jsonl(folder / "episodes.jsonl")
    assert all(row[trained] <= result[trained] for row in episodes)
    assert list(folder.glob("log/*/events*"))
    video = cv2.VideoCapture(str(folder / "video.webm"))
    assert video.read()[0]
    assert len(list(folder.glob("model_*.zip"))) == 1


def test_same_seed_same_agent_other_seed_another(finished: Path, runs: Path) -> None:
    one = train(load(finished), "latent", 0)
    two = train(load(runs), "latent", 0)
    other = train(load(finished), "latent", 1)
    assert torch.equal(weights(one), weights(two))
    assert not torch.equal(weights(one), weights(other))
    scores = [json.loads((one / "result.json").read_text())["evaluation"] for one in (one, two)]
    assert scores[0] == scores[1]


class KilledError(BaseException):
    """Not an Exception: nothing may catch it."""


def test_a_killed_training_goes_on_from_its_checkpoint(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the second evaluation, after the first checkpoint; then once more at the end."""
    experiment = load(runs, **{"agent.learning_rate": 1e-2})
    folder = experiment.agent_folder("latent", 0)
    calls = []

    def die_the_second_time(self: Any) -> None:
        calls.append(self.num_timesteps)
        if len(calls) == 2:
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("agents.policy.callback.TrainingCallback._evaluate", die_the_second_time)
        with pytest.raises(KilledError):
            train(experiment, "latent", 0)
    first = read_card(folder)
    assert 400 <= first.env_steps < calls[1] * 2, "the checkpoint lies before the kill"
    logged = read_jsonl(folder / "episodes.jsonl")
    assert logged[-1]["env_steps"] > first.env_steps, "the log had gone on"
    kept = [row for row in logged if row["env_steps"] <= first.env_steps]

    rates = []
    with monkeypatch.context() as patch:
        patch.setattr("agents.train._finish", lambda *_: (_ for _ in ()).throw(KilledError))
        patch.setattr(
            "agents.policy.callback.TrainingCallback._on_rollout_start",
            lambda self: rates.append(
                (self.num_timesteps, self.training_env.ret_rms.count, self.model.lr_schedule(0.5))
            ),
        )
        with pytest.raises(KilledError):
            train(experiment, "latent", 0)
    steps, returns, rate = rates[0]
    assert steps * 2 == first.env_steps, "it goes on where the checkpoint was"
    assert returns == pytest.approx(first.return_count), "and scales rewards as it did"
    assert rate == pytest.approx(5e-3)
    second = read_card(folder)
    assert second.env_steps >= 1200
    assert second.seconds > first.seconds
    rows = read_jsonl(folder / "episodes.jsonl")
    assert rows[: len(kept)] == kept, "what was logged after the checkpoint is logged anew"
    assert [row["env_steps"] for row in rows] == sorted(row["env_steps"] for row in rows)

    train(experiment, "latent", 0)
    assert (folder / "result.json").exists()
    assert read_card(folder) == second, "nothing was trained twice"
    assert len(list(folder.glob("log/from_*/progress.json"))) == 3


def test_what_is_done_is_left_alone(finished: Path) -> None:
    folder = train(load(finished), "latent", 0)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert train(load(finished), "latent", 0) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_the_agent_sees_in_play_what_it_saw_in_training(finished: Path) -> None:
    """The observations of `Agent` and those of the training environment, frame by frame."""
    agent = Agent.load(train(load(finished), "latent", 0))
    experiment = load(finished, **{"agent.normalize_reward": False})
    env = open_training(set_up(experiment, "latent"), seed=3).env
    plain = make_vec(experiment.env, 4, seed=3)
    obs, (frames, _) = env.reset(), plain.reset()
    episode_start = np.ones(4, bool)
    for _ in range(60):
        expected, _ = agent.model.predict(obs, deterministic=True)
        assert (agent(frames, episode_start) == expected).all()
        obs, _, episode_start, _ = env.step(expected)
        frames, *_ = plain.step(expected)


def test_settings_that_were_refused_claim_no_folder(runs: Path) -> None:
    """An algorithm that cannot act there is found out late; the next call may name another."""
    sac = {"agent.algorithm": "SAC", "agent.settings": {}}
    with pytest.raises(WorldvaeError, match="SAC"):
        train(load(runs, **sac), "blind", 7)
    folder = train(load(runs, **{"agent.env_steps": 1}), "blind", 7)
    assert read_card(folder).algorithm == "PPO"


def test_other_settings_in_the_same_folder_are_refused(finished: Path) -> None:
    train(load(finished), "latent", 0)
    with pytest.raises(WorldvaeError, match=r"made with agent\.gamma = 0\.99, now it is 0\.5"):
        train(load(finished, **{"agent.gamma": 0.5}), "latent", 0)
    beta = r"made with pretrain\.objective\.beta = 1\.0, now it is 4\.0"
    with pytest.raises(WorldvaeError, match=beta):
        pretrain_encoder(load(finished, **{"pretrain.objective.beta": 4}))
    with pytest.raises(WorldvaeError, match=r"made with env\.action_repeat = 2, now it is 3"):
        collect_rollouts(load(finished, **{"env.action_repeat": 3}))


def test_another_encoder_is_refused(finished: Path) -> None:
    experiment = load(finished)
    folder = train(experiment, "latent", 0)
    shutil.rmtree(experiment.encoder_folder)
    shutil.copytree(experiment.untrained_encoder_folder, experiment.encoder_folder)
    with pytest.raises(WorldvaeError, match="not the encoder that the agent"):
        Agent.load(folder)


def test_a_checkpoint_of_another_encoder_is_not_gone_on_with(finished: Path) -> None:
    experiment = load(finished)
    folder = train(experiment, "latent", 0)
    (folder / "result.json").unlink()
    shutil.rmtree(experiment.encoder_folder)
    shutil.copytree(experiment.untrained_encoder_folder, experiment.encoder_folder)
    with pytest.raises(WorldvaeError, match="begun with another encoder"):
        train(experiment, "latent", 0)


def test_a_training_that_fails_leaves_no_log_open(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("the system does not tell which files are open")

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no more")

    monkeypatch.setattr("agents.train.TrainingCallback", fail)
    with pytest.raises(RuntimeError) as failure:
        train(load(runs), "pixels", 5)
    logs = load(runs).agent_folder("pixels", 5) / "log"
    assert list(logs.rglob("events*"))
    files = [os.path.realpath(file) for file in Path("/proc/self/fd").iterdir()]
    assert not [file for file in files if file.startswith(str(logs.resolve()))]
    assert str(failure.value) == "no more"  # until here its traceback holds what it held


def test_a_film_that_cannot_be_made_costs_no_score(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise WorldvaeError("this OpenCV cannot write VP9 video")

    folder = train(load(finished), "latent", 0)
    for name in ("result.json", "video.webm"):  # as if it had been killed before it was scored
        (folder / name).unlink()
    monkeypatch.setattr("agents.train.record_video", fail)
    with pytest.warns(UserWarning, match="no video"):
        train(load(finished), "latent", 0)
    assert (folder / "result.json").exists()
    assert not (folder / "video.webm").exists()


@pytest.mark.parametrize("name", ["card.json", "model_*.zip"])
def test_a_damaged_agent_is_one_line(finished: Path, name: str) -> None:
    folder = train(load(finished), "pixels", 0)
    (path,) = folder.glob(name)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(WorldvaeError, match=r"train again|run again what made it"):
        Agent.load(folder)


def test_no_agent_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WorldvaeError, match=r"python -m scripts\.train"):
        Agent.load(tmp_path)


def test_scores_follow_from_the_seeds_and_not_from_how_many_play_at_once(finished: Path) -> None:
    experiment = load(finished)
    agent = Agent.load(train(experiment, "latent", 0), deterministic=True)
    together = evaluate(agent, RealWorld(experiment.env), range(5), num_envs=5)
    apart = [evaluate(agent, RealWorld(experiment.env), [seed], num_envs=1)[0] for seed in range(5)]
    assert together == apart
    in_pairs = evaluate(agent, RealWorld(experiment.env), range(5), num_envs=2)
    assert in_pairs == together
    assert len({score.return_ for score in together}) > 1


def test_evaluation_leaves_the_training_stream_untouched(finished: Path) -> None:
    experiment = load(finished)
    agent = Agent.load(train(experiment, "latent", 0), deterministic=False)
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first = evaluate(agent, RealWorld(experiment.env), range(3))
    assert torch.equal(torch.rand(3), expected)
    assert evaluate(agent, RealWorld(experiment.env), range(3)) == first


def test_pixels_too_small_for_the_stock_network_are_one_line(runs: Path) -> None:
    small = load(runs, **{"env.frame": {"height": 32, "width": 40}})
    with pytest.raises(WorldvaeError, match="at least 36x36"):
        prepare(small, ("pixels",))


def test_an_agent_collects(finished: Path) -> None:
    experiment = load(finished)
    folder = train(experiment, "latent", 0)
    again = load(
        finished,
        name="again",
        **{"rollouts.policies": {"agent": 1, "smooth": 1}, "rollouts.agent": str(folder)},
    )
    store = collect_rollouts(again)
    assert {record.policy for record in store.records} == {"agent", "smooth"}
    charged = json.loads((again.rollouts_folder / "result.json").read_text())
    card, run = read_card(folder), read_run(experiment.folder)
    first, encoder = run.stages["collection"], run.stages["pretraining"]
    steps = first.env_steps + card.env_steps + store.env_steps
    assert charged["env_steps"] == steps, "the agent had its price, its encoder's frames included"
    assert charged["seconds"] > first.seconds + encoder.seconds + card.seconds
    assert first.cpu_seconds is not None
    assert encoder.cpu_seconds is not None
    before = first.cpu_seconds + encoder.cpu_seconds + card.cpu_seconds
    assert before < charged["cpu_seconds"] < before + 60


def test_what_was_collected_stays_as_it_was_recorded(runs: Path) -> None:
    path = load(runs).rollouts_folder / "result.json"
    before = path.read_bytes()
    collect_rollouts(load(runs))
    assert path.read_bytes() == before


@pytest.mark.parametrize("arm", ["latent", "pixels"])
def test_of_a_dict_the_agent_sees_image_and_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arm: ArmName
) -> None:
    # The encoder's health decides nothing.
    monkeypatch.setattr(encoder, "examine_encoder", lambda *_: None)
    clock = {"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"}
    camera = {"kwargs": {"as_dict": True}, "image_key": "camera"}
    experiment = load(tmp_path, **{"env": {**clock, **camera}, "agent.env_steps": 240})
    prepare(experiment, (arm,))
    agent = Agent.load(train(experiment, arm, 0))
    assert set(agent.model.observation_space.spaces) == {"camera", "speed"}


def test_an_agent_of_another_task_is_refused(finished: Path) -> None:
    folder = train(load(finished), "latent", 0)
    other = load(finished, **{"env.frame.crop.top": 3})
    with pytest.raises(WorldvaeError, match=r"another task.*crop none, not .*crop top 3"):
        Agent.load(folder, other.env)
    Agent.load(folder, load(finished, **{"env.backend": "gymnasium"}).env)


def test_a_stack_that_looks_like_channels_first_is_refused(runs: Path) -> None:
    with pytest.raises(WorldvaeError, match=r"16 frames .* have 48 channels"):
        prepare(load(runs, **{"agent.stack": 16}), ("pixels",))


def test_training_loads_nothing_that_draws() -> None:
    """Each agent has a process of its own, which begins by importing."""
    code = "import sys, agents.train; print('matplotlib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_the_smallest_training_is_one_update(runs: Path) -> None:
    folder = train(load(runs, **{"agent.env_steps": 1}), "latent", 0)
    assert read_card(folder).env_steps == 4 * 30 * 2


def test_agents_do_not_share_the_luck_of_an_evaluation(finished: Path) -> None:
    """The same weights under two names draw other actions."""
    experiment = load(finished)
    agent = Agent.load(train(experiment, "latent", 0), deterministic=False)
    task = AgentTask.of(experiment, "latent", 0, command="")
    one = measure(task, agent, 8)
    again = measure(task, agent, 8)
    other = measure(replace(task, seed=1), agent, 8)
    assert one == again
    assert one != other


@pytest.mark.parametrize("text", ["", "{", '{"arm": "pixels"}'])
def test_an_agent_whose_result_is_damaged_is_scored_again(finished: Path, text: str) -> None:
    folder = train(load(finished), "pixels", 0)
    path, card = folder / "result.json", (folder / "card.json").read_bytes()
    before = json.loads(path.read_text())
    path.write_text(text)
    train(load(finished), "pixels", 0)
    again = json.loads(path.read_text())
    assert again["evaluation"] == before["evaluation"], "it goes on from its last checkpoint"
    assert json.loads(card)["model_sha256"] == read_card(folder).model_sha256


def test_a_log_that_lacks_lines_is_told_when_the_training_goes_on(finished: Path) -> None:
    folder = train(load(finished), "pixels", 0)
    (folder / "result.json").unlink()
    path = folder / "evaluations.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    assert f"{path}: 1 of 2 lines are missing" in read_run(load(finished).folder).damaged[0]
    with pytest.warns(UserWarning, match="evaluations.jsonl: 1 of 2 lines are missing"):
        train(load(finished), "pixels", 0)


def test_cores_without_an_environment_are_named_in_one_line() -> None:
    assert advise_cores(16, 2) == advise_cores(16, 16) == advise_cores(16, 31) == ""
    assert advise_cores(16, 40) == (
        "16 environments on 40 cores leave 24 of them idle; agent.num_envs: 32 uses them, for an "
        "agent that learns from 32 at once"
    )
