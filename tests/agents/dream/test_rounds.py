"""Rounds: collect with the dreamer, refit its models, dream on; every real step is charged."""

import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from agents.arms.registry import ARMS
from agents.dream import rounds
from agents.dream.rounds import RoundsTask
from agents.fidelity import examine_on_agent
from agents.policy.agent import Agent
from agents.prepare import collect_rollouts, prepare
from agents.report.summary import summarise
from agents.run.agent_card import AgentCard, own_dynamics, own_encoder, read_card
from agents.run.load import curve, read_run
from agents.run.stage_results import COLLECTION, StageCost
from agents.train import train
from tests.tiny import load
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.dynamics import learn
from worldvae.dynamics.checkpoint import hash_dynamics, load_dynamics, read_dynamics_card
from worldvae.dynamics.dynamics_files import LEARNING
from worldvae.errors import WorldvaeError
from worldvae.jsonl import read_jsonl
from worldvae.rollouts import Record, RolloutStore
from worldvae.rollouts.manifest import MANIFEST
from worldvae.stats import Resampling

ROUNDS = {
    "dream.rounds": 2,
    "dream.relearn_steps": 4,
    "drift.refresh_steps": 4,
    "evaluation.every_dreamed": 200,
}
FRAMES = {"dream.real_steps": None, "rollouts.frames": 800}


def collected_steps(runs: Path) -> int:
    return COLLECTION.read(load(runs).rollouts_folder).env_steps


def weights(folder: Path) -> torch.Tensor:
    policy = Agent.load(folder).model.policy
    return torch.cat([weight.detach().flatten() for weight in policy.parameters()])


@pytest.fixture(scope="module")
def trained(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An agent of two rounds, and a run that holds nothing else that was trained."""
    runs = Path(shutil.copytree(prepared, tmp_path_factory.mktemp("rounds") / "runs"))
    budget = collected_steps(runs) + 600
    return train(load(runs, **ROUNDS, **{"dream.real_steps": budget}), "dream", 0)


def test_a_round_has_models_of_its_own(trained: Path) -> None:
    card = read_card(trained)
    assert (card.refreshes, card.env_steps) == (1, 0)
    assert card.dreamed_steps >= 1200
    assert own_encoder(trained, card) == trained / "round_1/encoder"
    assert own_dynamics(trained, card) == trained / "round_1/dynamics"
    assert card.dynamics_sha256 == hash_dynamics(trained / "round_1/dynamics")
    assert LEARNING.read(trained / "round_1/dynamics").steps == 4
    assert not (trained / "round_2").exists()
    Agent.load(trained)


def test_the_dreams_of_a_later_round_are_judged_where_the_agent_goes(
    trained: Path, tmp_path: Path
) -> None:
    runs = Path(shutil.copytree(trained.parents[3], tmp_path / "runs"))
    found, folder = examine_on_agent(load(runs, **ROUNDS), "dream", 0, frames=300)
    agent = folder.parent
    assert agent.relative_to(runs) == trained.relative_to(trained.parents[3])
    assert found.dynamics == str(agent / "round_1/dynamics")
    assert found.rollouts == (str(agent / "round_1/rollouts"),)
    assert found.encoder == str(own_encoder(agent, read_card(agent)))


def test_a_round_adds_what_the_agent_played_and_charges_it(trained: Path) -> None:
    """It begins with the shared episodes, in their splits; nothing of them is charged again."""
    run = trained.parents[2]
    shared, own = RolloutStore(run / "rollouts"), RolloutStore(trained / "round_1/rollouts")
    assert own.records[: len(shared.records)] == shared.records
    added = own.records[len(shared.records) :]
    assert {record.policy for record in added} == {"agent"}
    spent = 2 * sum(record.length for record in added)
    assert 0.8 * 600 < spent <= 600, "of the budget, which is never exceeded"
    result = json.loads((trained / "result.json").read_text())
    assert (result["env_steps"], result["refresh_env_steps"]) == (0, spent)
    assert result["refresh_seconds"] > sum(record.seconds for record in added)
    learned = read_dynamics_card(trained / "round_1/dynamics").data_sha256
    assert learned != read_dynamics_card(run / "dynamics").data_sha256
    assert not {record.seed for record in added} & {*range(1_000_000, 1_000_004)}


def test_scores_lie_over_the_real_steps_of_each_round(trained: Path) -> None:
    run = read_run(trained.parents[2])
    (agent,) = run.of("dream")
    spent = read_card(trained).refresh_env_steps
    steps, scores = curve(agent, "env_steps")
    assert steps.tolist() == [0, spent], "one point for each round"
    assert agent.result is not None
    assert scores[-1] == agent.result.score
    before = [line.score for line in agent.evaluations if not line.refresh_env_steps]
    assert scores[0] == before[-1], "the last score of the first round"
    assert len(before) >= 2
    seconds, every = curve(agent, "seconds")
    assert len(every) > 2
    assert (np.diff(seconds) > 0).all()
    summary = summarise(run, Resampling.seeded(0))
    assert summary.arms[0].total.env_steps == collected_steps(trained.parents[3]) + spent
    lines = read_jsonl(trained / "evaluations.jsonl")
    assert all(line["env_steps"] == 0 for line in lines)
    assert [line["dreamed_steps"] // 200 for line in lines] == [1, 2, 3, 4, 5, 6][: len(lines)]


class KilledError(BaseException):
    """Not an Exception: nothing may catch it."""


@pytest.mark.parametrize("killed", [(rounds, "learn_dynamics"), (learn, "fit")])
def test_a_round_that_was_killed_goes_on(
    runs: Path, trained: Path, monkeypatch: pytest.MonkeyPatch, killed: tuple[ModuleType, str]
) -> None:
    """Before its dynamics, or while they learn: the agent is that of one who was not killed."""
    options = {**ROUNDS, "dream.real_steps": collected_steps(runs) + 600}
    experiment = load(runs, **options)

    def die(*_: Any, **__: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(*killed, die)
        with pytest.raises(KilledError):
            train(experiment, "dream", 0)
    folder = experiment.agent_folder("dream", 0)
    assert read_card(folder).refreshes == 0
    manifest, encoder = folder / "round_1/rollouts/manifest.jsonl", folder / "round_1/encoder"
    before = manifest.read_bytes(), hash_encoder(encoder)
    train(experiment, "dream", 0)
    assert (manifest.read_bytes(), hash_encoder(encoder)) == before
    assert torch.equal(weights(folder), weights(trained))
    assert read_card(folder).refresh_env_steps == read_card(trained).refresh_env_steps


ALIKE = {
    "env": {"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"},
    "env.kwargs": {"spread": 0},
    "rollouts.frames": 200,
    "dream.rounds": 2,
    "dream.real_steps": 450,
}
"""A world whose episodes all show the same frames."""


def collect_in(task: RoundsTask, card: AgentCard) -> tuple[StageCost, list[Record]]:
    """What a round's collection charges, and the episodes that it finds or plays."""
    cost = rounds._collect(task, task.folder / "round_1", card)
    shared = RolloutStore(task.refitting.rollouts_folder).healthy()
    return cost, RolloutStore(task.folder / "round_1/rollouts").records[len(shared) :]


def kill_in_the_middle(rollouts: Path, episodes: int) -> None:
    """Leave the folder as a kill leaves it after so many episodes."""
    for record in RolloutStore(rollouts).records[episodes:]:
        (rollouts / f"{record.name}.frames.npy").unlink()
        (rollouts / f"{record.name}.npz").unlink()
    lines = (rollouts / MANIFEST.name).read_bytes().splitlines(keepends=True)
    (rollouts / MANIFEST.name).write_bytes(b"".join(lines[:episodes]))


@pytest.mark.filterwarnings("ignore:.*damaged or missing")
@pytest.mark.parametrize("has_damage", [False, True])
def test_what_was_played_is_charged_though_episodes_look_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_damage: bool
) -> None:
    """Also where a new episode has the number of a shared one that is damaged, and after a kill."""
    monkeypatch.setattr(Agent, "load", lambda *_, **__: lambda obs, *_: np.zeros(len(obs), int))
    experiment = load(tmp_path, **ALIKE)
    shared = collect_rollouts(experiment)
    assert len({record.frames_sha256 for record in shared.records}) <= 2, "whole ones, cut ones"
    if has_damage:
        shared.frames_path(shared.records[-1]).write_bytes(b"")
    card = AgentCard(
        **{"arm": "dream", "algorithm": "PPO", "seed": 0, "stack": 1, "whiten": True},
        **{"env": experiment.env, "encoder": None, "encoder_sha256": None},
    )
    task = RoundsTask.of(experiment, tmp_path / "agent")
    budget = 450 - shared.env_steps  # of four frames of an episode, three are decisions
    cost, played = collect_in(task, card)
    assert 0.7 * budget < cost.env_steps <= budget
    assert cost.env_steps == sum(record.length for record in played)
    assert cost.seconds == pytest.approx(sum(record.seconds for record in played))
    kill_in_the_middle(tmp_path / "agent/round_1/rollouts", len(shared.healthy()) + 5)
    cost, resumed = collect_in(task, card)
    assert resumed[:5] == played[:5]
    assert 0.7 * budget < cost.env_steps <= budget
    assert cost.env_steps == sum(record.length for record in resumed)


def test_an_encoder_may_be_kept(runs: Path) -> None:
    options = {**ROUNDS, **FRAMES, "dream.refit_encoder": False}
    experiment = load(runs, **options)
    folder = train(experiment, "dream", 0)
    card = read_card(folder)
    assert own_encoder(folder, card) == experiment.encoder_folder
    assert own_dynamics(folder, card) == folder / "round_1/dynamics"
    assert not (folder / "round_1/encoder").exists()
    frames = RolloutStore(folder / "round_1/rollouts").num_frames
    assert frames >= RolloutStore(experiment.rollouts_folder).num_frames + 800


def test_the_control_of_dreams_stays_untrained_in_every_round(runs: Path) -> None:
    """It collects and refits its encoder as dreamers do, and its weights are the first ones."""
    experiment = load(runs, **ROUNDS, **FRAMES)
    folder = train(experiment, "untrained_dream", 0)
    card = read_card(folder)
    assert own_encoder(folder, card) == folder / "round_1/encoder"
    assert own_dynamics(folder, card) == folder / "round_1/dynamics"
    made = read_dynamics_card(folder / "round_1/dynamics")
    assert not made.trained
    assert made.encoder_sha256 == hash_encoder(folder / "round_1/encoder")
    assert not LEARNING.exists(folder / "round_1/dynamics")
    first = dict(load_dynamics(experiment.untrained_dynamics_folder)[0].named_parameters())
    later = load_dynamics(folder / "round_1/dynamics")[0]
    for name, value in later.named_parameters():
        # Rewards beyond those of before: this head begins anew, with initial weights of its own.
        assert ".reward." in name or torch.equal(value, first[name]), name
    added = RolloutStore(folder / "round_1/rollouts").records
    added = added[len(RolloutStore(experiment.rollouts_folder).records) :]
    assert card.refresh_env_steps == 2 * sum(record.length for record in added) > 0


DQN = {
    "agent.algorithm": "DQN",
    "agent.settings": {"learning_starts": 50, "buffer_size": 5_000, "train_freq": 1},
    "agent.checkpoint_every": 160,
}


def test_a_round_dreams_with_a_replay_buffer_of_its_own(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is empty at first and filled before it is learned from; a resume in the round keeps it."""
    experiment = load(runs, **ROUNDS, **FRAMES, **DQN)
    begun = list[tuple[int, int, int, int]]()

    def begin(self: Any) -> None:
        model, steps = self.model, self.model.num_timesteps
        filled = model.replay_buffer.size() * model.n_envs
        begun.append((self.card.refreshes, steps, filled, model.learning_starts - steps))

    def die_in_the_second(self: Any) -> None:
        if len(begun) == 2:
            raise KilledError

    monkeypatch.setattr("agents.policy.callback.TrainingCallback._on_training_start", begin)
    with monkeypatch.context() as patch:
        patch.setattr("agents.policy.callback.TrainingCallback._evaluate", die_in_the_second)
        with pytest.raises(KilledError):
            train(experiment, "dream", 0)
    train(experiment, "dream", 0)
    first, second, resumed = begun
    assert first == (0, 0, 0, 50)
    assert second == (1, second[1], 0, 50), "what it saw and earned is of the models before"
    later = resumed[1] - second[1]
    assert 0 < later < 50
    assert resumed == (1, resumed[1], later, 50 - later)


def test_a_round_too_short_to_fill_its_buffer_is_one_line(runs: Path) -> None:
    few = {**DQN, "agent.settings": {"learning_starts": 300}}
    message = r"round 1 of 2 has 300 decisions left to dream and needs 301, .*learning_starts"
    with pytest.raises(WorldvaeError, match=message):
        train(load(runs, **ROUNDS, **FRAMES, **few), "dream", 0)


@pytest.mark.parametrize("num_envs", [1, 4, 16])
@pytest.mark.parametrize("decisions", [100, 173, 1000])
def test_a_round_never_takes_more_than_its_share(runs: Path, num_envs: int, decisions: int) -> None:
    """Whatever the number of environments: the last step takes a decision in each."""
    budget = collected_steps(runs) + 2 * 2 * decisions
    options = {"dream.rounds": 3, "dream.real_steps": budget, "rollouts.num_envs": num_envs}
    task = RoundsTask.of(load(runs, **options), runs / "agent")
    wanted = task.collection()
    assert wanted.frames + wanted.num_envs - 1 <= decisions
    assert wanted.frames >= 0.8 * decisions
    assert wanted.policies == {"agent": 1.0}


def test_too_small_a_budget_is_one_line(runs: Path) -> None:
    spent = collected_steps(runs)
    message = rf"dream\.real_steps = {spent - 1}: the rollouts took {spent} environment steps"
    with pytest.raises(WorldvaeError, match=message):
        train(load(runs, **{"dream.real_steps": spent - 1}), "dream", 0)
    few = {**ROUNDS, "dream.real_steps": spent + 100}
    with pytest.raises(WorldvaeError, match=r"leave 50 decisions to each of 1 later rounds"):
        train(load(runs, **few), "dream", 0)
    # Five rollouts of 120, and a step of each of 4 dreams between them, are 616 of 600.
    message = r"dream\.env_steps = 1200: round 6 of 6 has 0 decisions left to dream and needs 1,"
    with pytest.raises(WorldvaeError, match=message):
        train(load(runs, **{"dream.rounds": 6}), "dream", 0)
    assert not (load(runs).agent_folder("dream", 0) / "settings.yaml").exists()


def test_a_budget_below_the_rollouts_is_told_before_they_are_collected(tmp_path: Path) -> None:
    experiment = load(tmp_path, **{"dream.real_steps": 1500})
    message = r"rollouts\.frames = 800 takes up to 1600 environment steps"
    with pytest.raises(WorldvaeError, match=message):
        prepare(experiment, ("dream",))
    assert not experiment.folder.exists()


def test_rounds_are_those_of_dreamers_alone(runs: Path) -> None:
    folder = train(load(runs, **ROUNDS, **{"dream.real_steps": 1}), "memory", 0)
    assert read_card(folder).refreshes == 0
    assert not list(folder.glob("round_*"))


@pytest.mark.parametrize("algorithm", ["PPO", "A2C"])
def test_rounds_that_are_accepted_are_all_dreamed(runs: Path, algorithm: str) -> None:
    """By hand: a rollout is not cut, and the next one takes a step before it is stopped."""
    settings = {"n_steps": 30, **({"batch_size": 60} if algorithm == "PPO" else {})}
    options = {"agent.algorithm": algorithm, "agent.settings": settings, **FRAMES}
    for env_steps in range(200, 1_000, 14):
        task = RoundsTask.of(
            load(runs, **options, **{"dream.rounds": 3, "dream.env_steps": env_steps}), runs / "a"
        )
        dreamed, rounds_with_dreams = 0, set()
        for finished in range(3):
            while dreamed < task.end(finished):
                dreamed += 120
                rounds_with_dreams.add(finished)
            dreamed += 4
        try:
            task.check_budget(ARMS["dream"])
        except WorldvaeError:
            assert len(rounds_with_dreams) < 3
        else:
            assert len(rounds_with_dreams) == 3
