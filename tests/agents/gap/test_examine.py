"""The gap report of a run, with agents that see both worlds and others that cannot."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import sem
from scipy.stats import t as student

from agents.arms.build import set_up
from agents.config.experiment import Experiment
from agents.dream.promise import promised_returns
from agents.gap.agents import find_dreamers, read_promises
from agents.gap.compare import promise_of
from agents.gap.examine import ExaminedDream, examine_gap
from agents.gap.gap_file import GAP, PLAYED, GapReport, Promise
from agents.gap.wording import headline
from agents.policy.agent import Agent
from agents.policy.evaluate import Promised, evaluate
from agents.run.agent_card import AGENT_CARD, read_card, write_card
from agents.run.agent_result import EVALUATIONS, Evaluation
from agents.train import train
from tests.agents.gap.limited import with_limit
from tests.commands import run
from tests.tiny import TINY, load
from worldvae.dynamics.checkpoint import hash_dynamics
from worldvae.dynamics.dream_source import DreamSource
from worldvae.dynamics.world import DreamWorld
from worldvae.errors import ArtifactError, ConfigError
from worldvae.rollouts.manifest import Split
from worldvae.wrappers.observer import StackedObserver

GAP_SETTINGS = {
    "gap.usual": False,
    "gap.policies": [{"cycle": [1]}, {"cycle": [2]}, {"random": True}],
    "gap.episodes": 3,
    "gap.num_envs": 3,
    "gap.horizon": 9,
}


@pytest.fixture(scope="module")
def experiment(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """A run with a dreamer, an agent with memory, and one that remembers by other dynamics."""
    runs = tmp_path_factory.mktemp("gap") / "runs"
    shutil.copytree(prepared, runs)
    experiment = load(runs, **GAP_SETTINGS)
    for arm in ("dream", "memory", "untrained_memory"):
        train(experiment, arm, 0)
    return experiment


@pytest.fixture(scope="module")
def report(experiment: Experiment) -> GapReport:
    return examine_gap(experiment)[0]


def promises_in(run: Path, experiment: Experiment) -> list[Promise]:
    """What a dream of the experiment's own dynamics promised the agents of a run."""
    return list(read_promises(run, hash_dynamics(experiment.dynamics_folder), 0))


def test_scripts_and_agents_play_in_both_worlds(experiment: Experiment, report: GapReport) -> None:
    assert [(one.name, one.whose, one.dreamer) for one in report.policies] == [
        ("always 1", "scripted", False),
        ("always 2", "scripted", False),
        ("random", "scripted", False),
        ("dream seed 0", "agent", True),
        ("memory seed 0", "agent", False),
    ]
    for one in report.policies:
        assert len(one.real.returns) == len(one.dream.returns) == 3
        assert max(*one.real.lengths, *one.dream.lengths) <= 9
    assert report.skipped == ("untrained_memory seed 0 remembers by other dynamics",)
    assert report.horizon == 9
    assert report.dynamics_sha256 == hash_dynamics(experiment.dynamics_folder)
    assert report.promises == tuple(promises_in(experiment.folder, experiment))


def test_what_was_collected_is_what_the_store_holds(report: GapReport) -> None:
    assert {one.collected_as for one in report.policies} == {None}, "only smooth play was"


def test_the_folder_holds_report_page_and_film(experiment: Experiment, report: GapReport) -> None:
    folder = experiment.gap_folder
    assert GAP.read(folder) == report
    page = (folder / "gap.html").read_text()
    assert "dream seed 0" in page
    assert page.count("<video") == 1
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == {
        *("gap.html", "gap.json", "gap.webm", "played.jsonl"),
    }


def test_a_second_time_plays_nothing_and_says_the_same(
    experiment: Experiment, report: GapReport
) -> None:
    before = PLAYED.read(experiment.gap_folder)
    again, page = examine_gap(experiment)
    assert page == experiment.gap_folder / "gap.html"
    assert PLAYED.read(experiment.gap_folder) == before
    assert again.policies == report.policies
    assert again.findings == report.findings


def test_code_that_was_changed_since_is_told(
    experiment: Experiment, report: GapReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dynamics were learned before, so that nothing is collected, which would tell."""
    monkeypatch.setattr("agents.run.code.own_code", lambda _: {"worldvae": "another"})
    with pytest.warns(UserWarning, match="the worldvae was changed since rollouts, agents/dream"):
        examine_gap(experiment)


def test_promises_stand_beside_each_evaluation_of_a_dreamer(experiment: Experiment) -> None:
    found = promises_in(experiment.folder, experiment)
    lines = EVALUATIONS.read(experiment.agent_folder("dream", 0))
    assert [one.agent for one in found] == ["dream seed 0"] * len(lines)
    assert [one.env_steps for one in found] == [line.dreamed_steps for line in lines]
    assert [one.dream.value for one in found] == [np.mean(line.promised) for line in lines]
    assert [one.real.value for one in found] == [np.mean(line.returns) for line in lines]
    assert {len(line.promised) for line in lines} == {2}
    agent = Agent.load(experiment.agent_folder("dream", 0))
    seeds = range(experiment.evaluation.seed, experiment.evaluation.seed + 2)
    again = promised_returns(set_up(experiment, "dream"), agent, seeds, 2, 0)
    assert {line.promised_starts for line in lines} == {again.starts}
    others = EVALUATIONS.read(experiment.agent_folder("memory", 0))
    assert {line.promised for line in others} == {()}


def evaluation(real: NDArray[Any], promised: NDArray[Any], starts: Sequence[int]) -> Evaluation:
    return Evaluation(
        env_steps=0,
        dreamed_steps=400,
        seconds=1.0,
        cpu_seconds=1.0,
        refresh_env_steps=0,
        refresh_seconds=0.0,
        returns=tuple(real),
        lengths=(1,) * len(real),
        promised=tuple(promised),
        promised_starts=tuple(starts),
    )


@pytest.mark.parametrize("starts", [range(200), ()], ids=["of as many frames", "not recorded"])
def test_promise_reality_and_their_difference_have_intervals(starts: Sequence[int]) -> None:
    generator = np.random.default_rng(1)
    real, promised = generator.normal(5, 3, 100), generator.normal(9, 4, 200)
    found = promise_of("dream seed 0", evaluation(real, promised, starts), 0)
    assert (found.env_steps, found.episodes) == (400, 200)
    for measured, value, error in (
        (found.real, real.mean(), 3 / 10),
        (found.dream, promised.mean(), 4 / np.sqrt(200)),
        (found.flattery, promised.mean() - real.mean(), np.sqrt(9 / 100 + 16 / 200)),
    ):
        assert measured.value == pytest.approx(value)
        half = 1.96 * error
        assert (measured.low, measured.high) == pytest.approx((value - half, value + half), abs=0.2)


def test_dreams_from_few_frames_are_no_more_than_these_frames() -> None:
    """Ten dreams from each of ten frames, all of a frame alike: ten numbers, and not a hundred."""
    of_frames = np.linspace(3, 15, 10)
    starts = np.repeat(np.arange(10), 10)
    line = evaluation(np.full(100, 5.0), of_frames[starts], starts.tolist())
    found, half = promise_of("dream seed 0", line, 0), student.ppf(0.975, 9) * sem(of_frames)
    for measured in (found.dream, found.flattery):
        bounds = measured.value - half, measured.value + half
        assert (measured.low, measured.high) == pytest.approx(bounds, abs=0.3)


def test_other_dynamics_promised_nothing_of_this_dream(experiment: Experiment) -> None:
    other = hash_dynamics(experiment.untrained_dynamics_folder)
    assert list(read_promises(experiment.folder, other, 0)) == []


def test_the_dynamics_of_an_earlier_round_promised_nothing_of_this_dream(
    experiment: Experiment, tmp_path: Path
) -> None:
    folder = tmp_path / "agents" / "dream" / "seed_0"
    shutil.copytree(experiment.agent_folder("dream", 0), folder)
    line = EVALUATIONS.read(folder)[0]
    later = line.model_copy(update={"dreamed_steps": 9_000, "refresh_env_steps": 500})
    EVALUATIONS.write(folder, [line, later])
    write_card(folder, read_card(folder).model_copy(update={"refresh_env_steps": 500}))
    assert [one.env_steps for one in promises_in(tmp_path, experiment)] == [9_000]


def test_one_episode_has_no_interval_and_is_left_out(
    experiment: Experiment, tmp_path: Path
) -> None:
    folder = tmp_path / "agents" / "dream" / "seed_0"
    shutil.copytree(experiment.agent_folder("dream", 0), folder)
    whole = EVALUATIONS.read(folder)[0]
    single = whole.model_copy(update={"promised": whole.promised[:1], "dreamed_steps": 1})
    EVALUATIONS.write(folder, [single, whole])
    assert [one.env_steps for one in promises_in(tmp_path, experiment)] == [whole.dreamed_steps]


def test_a_promise_is_a_whole_dream_of_a_held_out_start(experiment: Experiment) -> None:
    """However the training dreams begin, and however soon they are cut."""
    setup = set_up(experiment, "dream")
    short = setup.dream.model_copy(update={"horizon": 5, "starts": "any"})
    agent = Agent.load(experiment.agent_folder("dream", 0), deterministic=True)
    promised = promised_returns(replace(setup, dream=short), agent, range(4), 2, 0)
    assert len(promised.returns) == len(promised.starts) == 4

    def dreamed(split: Split, starts: str, horizon: int) -> tuple[float, ...]:
        settings = {"horizon": horizon, "starts": starts, "burn_in": short.burn_in}
        source = DreamSource.load(
            experiment.dynamics_folder,
            split=split,
            device=setup.device,
            bank=short.bank,
            **settings,
        )
        dreaming = Agent(agent.model, agent.arm, StackedObserver(1), None, deterministic=True)
        scores = evaluate(dreaming, DreamWorld(source), range(4), 2, 0)
        return tuple(score.return_ for score in scores)

    limit = 60 // experiment.env.action_repeat
    assert promised.returns == dreamed("test", "first", limit)
    others: list[tuple[Split, str, int]] = [
        ("train", "first", limit),
        ("test", "any", limit),
        ("test", "first", 5),
    ]
    for other in others:
        assert promised.returns != dreamed(*other), other


def test_a_promise_lasts_no_longer_than_the_rollouts_show_reality_to_last(
    experiment: Experiment, tmp_path: Path
) -> None:
    folder = with_limit(experiment.dynamics_folder, 4, tmp_path / "dynamics")
    setup = set_up(experiment, "dream")
    agent = Agent.load(experiment.agent_folder("dream", 0), deterministic=True)
    steps = 4 * setup.env.action_repeat
    short = replace(setup, env=setup.env.model_copy(update={"max_episode_steps": steps}))
    shown = promised_returns(replace(setup, dynamics=folder), agent, range(4), 2, 0)
    assert shown == promised_returns(short, agent, range(4), 2, 0)
    assert shown != promised_returns(setup, agent, range(4), 2, 0)


def test_only_who_dreams_is_promised_anything(experiment: Experiment) -> None:
    agent = Agent.load(experiment.agent_folder("dream", 0), deterministic=True)
    assert promised_returns(set_up(experiment, "memory"), agent, range(4), 2, 0) == Promised()


def test_rollouts_without_a_test_episode_end_no_training(
    experiment: Experiment, tmp_path: Path
) -> None:
    folder = tmp_path / "dynamics"
    shutil.copytree(experiment.dynamics_folder, folder)
    (folder / "starts.safetensors").unlink()
    setup = replace(set_up(experiment, "dream"), dynamics=folder)
    agent = Agent.load(experiment.agent_folder("dream", 0))
    with pytest.warns(UserWarning, match="what the dream promises is not measured"):
        assert promised_returns(setup, agent, range(2), 2, 0) == Promised()


def test_an_agent_that_is_not_finished_is_left_out(experiment: Experiment) -> None:
    folder = experiment.agent_folder("memory", 0)
    hidden = folder / "result.json"
    kept = hidden.read_bytes()
    hidden.unlink()
    sha = hash_dynamics(experiment.dynamics_folder)
    try:
        agents, skipped = find_dreamers(experiment.folder, sha, True)
    finally:
        hidden.write_bytes(kept)
    assert [one.name for one in agents] == ["dream seed 0"]
    assert "memory seed 0 is not finished" in skipped


def test_seeds_of_the_evaluation_are_refused(experiment: Experiment) -> None:
    gap = experiment.gap.model_copy(update={"seed": 900_000})
    with pytest.raises(ConfigError, match=r"gap\.seed = 900000 .* choose another gap\.seed"):
        examine_gap(experiment.model_copy(update={"gap": gap}))


def test_one_policy_ranks_nothing(experiment: Experiment) -> None:
    gap = experiment.gap.model_copy(update={"policies": (), "agents": False})
    with pytest.raises(ConfigError, match="0 policies cannot be ranked"):
        examine_gap(experiment.model_copy(update={"gap": gap}))


def test_a_damaged_agent_keeps_no_other_from_playing(experiment: Experiment) -> None:
    path = experiment.agent_folder("memory", 0) / AGENT_CARD.name
    kept = path.read_bytes()
    path.write_bytes(kept.replace(b'"memory"', b'"memories"', 1))
    sha = hash_dynamics(experiment.dynamics_folder)
    try:
        agents, skipped = find_dreamers(experiment.folder, sha, True)
    finally:
        path.write_bytes(kept)
    assert [one.name for one in agents] == ["dream seed 0"]
    assert str(path) in skipped[0]


def test_other_dynamics_are_examined_in_their_own_folder(experiment: Experiment) -> None:
    untrained = experiment.untrained_dynamics_folder
    gap = experiment.gap.model_copy(update={"dynamics": untrained})
    report, page = examine_gap(experiment.model_copy(update={"gap": gap}))
    assert page == untrained / "gap" / "gap.html"
    assert [one.name for one in report.policies if one.whose == "agent"] == [
        "untrained_memory seed 0"
    ]
    assert report.dynamics_sha256 == hash_dynamics(untrained)
    assert report.promises == (), "the dreamer of this run trained in another dream"
    assert (untrained / "gap" / "gap.webm").exists()


def test_dynamics_of_other_decisions_are_refused(experiment: Experiment) -> None:
    env = experiment.env.model_copy(update={"action_repeat": 5})
    gap = experiment.gap.model_copy(update={"dynamics": experiment.dynamics_folder})
    changed = experiment.model_copy(update={"env": env, "gap": gap})
    with pytest.raises(ArtifactError, match=r"decisions of 2 steps, this configuration takes 5"):
        ExaminedDream.of(changed)


def test_dynamics_of_another_environment_are_refused(experiment: Experiment) -> None:
    env = experiment.env.model_copy(update={"id": "CartPole-v1"})
    gap = experiment.gap.model_copy(update={"dynamics": experiment.dynamics_folder})
    with pytest.raises(ConfigError, match="dynamics of worldvae/Dots-v0, not of CartPole-v1"):
        examine_gap(experiment.model_copy(update={"gap": gap, "env": env}))


def test_the_command_says_verdict_findings_and_page(
    experiment: Experiment, report: GapReport
) -> None:
    words = [f"--{key}={json.dumps(value)}" for key, value in GAP_SETTINGS.items()]
    done = run("scripts.gap", TINY, "--runs", experiment.runs, *words)
    assert done.stdout.startswith(headline(report))
    assert all(finding.found in done.stdout for finding in report.findings)
    assert done.stdout.endswith(f"page: {experiment.gap_folder / 'gap.html'}\n")
    assert GAP.read(experiment.gap_folder).command.startswith("python -m scripts.gap ")
