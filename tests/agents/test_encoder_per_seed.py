"""A comparison in which each seed has frames and an encoder of its own."""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces

import scripts.compare
import scripts.explore
from agents.compare import compare, plan
from agents.config.experiment import Experiment
from agents.prepare import prepare
from agents.report.budgets import equal_budget
from agents.report.html import write_report
from agents.report.sections.curves import learning_panel
from agents.report.sections.health import unfit
from agents.report.summary import summarise
from agents.report.text import render_text
from agents.report.versus import tell_apart
from agents.run.agent_card import read_card
from agents.run.agent_files import agent_folders
from agents.run.agent_result import RESULT
from agents.run.load import curve, read_run, write_scores
from agents.run.records import Run, RunArm
from agents.run.seed_folders import seed_of
from agents.run.sharing import check_datasets
from agents.run.stage_results import Cost
from agents.train import train
from scripts.cli import Parser
from tests import tiny
from tests.agents.report.synthetic import write_check, write_config, write_run
from tests.checksums import amend
from tests.tiny import TINY
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.diagnostics.rules.evidence import Finding
from worldvae.errors import ArtifactError, ConfigError
from worldvae.folders import kind_of
from worldvae.rollouts.imported import DATASET, ImportedDataset, RecordedActions
from worldvae.stats import Resampling

PER_SEED = {"compare.encoder_per_seed": True, "compare.arms": ["latent", "untrained"]}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    experiment = tiny.load(tmp_path_factory.mktemp("runs"), **PER_SEED)
    assert compare(experiment)
    return experiment


def synthetic(folder: Path) -> Run:
    """Five seeds; seed k collected 1,000 k steps and pretrained k minutes more than seed 0."""
    write_config(folder, "compare: {encoder_per_seed: true}\n")
    for seed in range(5):
        returns = {"latent": {seed: [5.0 + seed] * 2}, "untrained": {seed: [4.0] * 2}}
        part = write_run(folder / f"seed_{seed}", returns)
        amend(part / "rollouts/result.json", env_steps=20_000 + 1_000 * seed)
        amend(part / "encoder/result.json", seconds=480.0 + 60 * seed)
    return read_run(folder)


def test_each_seed_has_an_encoder_and_frames_of_its_own(whole: Experiment) -> None:
    folders = agent_folders(whole.folder)
    assert [path.relative_to(whole.folder).as_posix() for path in folders] == [
        f"seed_{seed}/agents/{arm}/seed_{seed}"
        for arm in ("latent", "untrained")
        for seed in (0, 1)
    ]
    for name in ("encoder", "untrained_encoder"):
        one, other = (whole.of_seed(seed).folder / name for seed in (0, 1))
        assert hash_encoder(one) != hash_encoder(other)
    for path in folders[:2]:
        seed = int(path.name[5:])
        assert read_card(path).encoder_sha256 == hash_encoder(whole.of_seed(seed).encoder_folder)
    manifests = [whole.of_seed(seed).rollouts_folder / "manifest.jsonl" for seed in (0, 1)]
    assert manifests[0].read_bytes() != manifests[1].read_bytes()


def test_a_second_call_does_nothing(whole: Experiment) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.folder.rglob("model_*.zip")}
    assert len(before) == 4
    assert compare(whole)
    assert before == {path: path.stat().st_mtime_ns for path in whole.folder.rglob("model_*.zip")}


def test_a_seed_alone_is_made_as_with_the_others(whole: Experiment, tmp_path: Path) -> None:
    """Seed 1 of the comparison is a run with `seed: 1`, and of the same numbers."""
    alone = tiny.load(tmp_path, seed=1)
    prepare(alone, ["latent"])
    train(alone, "latent", 1)
    encoders = [experiment.encoder_folder for experiment in (alone, whole.of_seed(1))]
    assert hash_encoder(encoders[0]) == hash_encoder(encoders[1])
    scored = [
        RESULT.read(experiment.agent_folder("latent", 1)).evaluation.returns
        for experiment in (alone, whole.of_seed(1))
    ]
    assert scored[0] == scored[1]


def test_the_pages_tell_of_each_encoder(whole: Experiment) -> None:
    text, page = ((whole.folder / f"report.{kind}").read_text() for kind in ("md", "html"))
    for told in (text, page):
        assert "the encoder of their seed, pretrained on frames of its own" in told
        assert "Seed 0. Verdict: " in told
        assert "Seed 1. Verdict: " in told
        assert "health.html in the folders seed_0/encoder and seed_1/encoder" in told
    assert "Frames and encoders are those of seed 0." in page
    assert "no frames were" not in page
    assert "Not finished" not in page
    assert f"{whole.folder}/seed_0/config.yaml" in page  # of the explorer
    assert (whole.folder / "overview.png").is_file()
    assert (whole.folder / "side_by_side.webm").is_file()
    assert kind_of(whole.folder) == "run"


def test_the_run_of_a_seed_is_a_whole_one(whole: Experiment) -> None:
    path = whole.folder / "seed_1" / "config.yaml"
    of_seed = Experiment.load(path)
    assert of_seed == whole.of_seed(1)
    assert [job.is_done for job in plan(of_seed)] == [True, True]


def test_a_folder_is_of_one_kind(whole: Experiment, tmp_path: Path) -> None:
    shared = whole.model_copy(
        update={"compare": whole.compare.model_copy(update={"encoder_per_seed": False})}
    )
    with pytest.raises(ArtifactError, match=r"seed_0 holds a seed with an encoder of its own"):
        plan(shared)
    with pytest.raises(ArtifactError, match=r"seed_0 holds a seed with an encoder of its own"):
        train(shared, "untrained", 0)
    old = tiny.load(tmp_path, **PER_SEED)
    (old.folder / "agents/latent/seed_0").mkdir(parents=True)
    with pytest.raises(ArtifactError, match=r"agents holds agents that share an encoder"):
        plan(old)


def test_an_encoder_that_is_taken_is_none_of_a_seed(tmp_path: Path) -> None:
    """The report would say that each seed pretrained one on frames of its own."""
    with pytest.raises(ConfigError, match=r"encoder_per_seed: an encoder that is taken .* one for"):
        tiny.load(tmp_path, **PER_SEED, encoder="runs/other/encoder")


def test_each_seed_has_a_dataset_of_its_own_or_none(tmp_path: Path) -> None:
    """Else the others would collect, in silence, by another policy."""
    experiment = tiny.load(tmp_path, **PER_SEED)
    first, second = (part.rollouts_folder for part in experiment.parts)
    check_datasets(experiment)
    write_dataset(first, "a/door-v0")
    with pytest.raises(ArtifactError, match=rf"^{second} holds no dataset, and {first} does; "):
        compare(experiment)
    write_dataset(second, "a/door-v0")
    with pytest.raises(ArtifactError, match=rf"^{second} holds minari:a/door-v0, as {first} does"):
        check_datasets(experiment)
    write_dataset(second, "a/door-v1")
    check_datasets(experiment)
    shared = experiment.model_copy(
        update={"compare": experiment.compare.model_copy(update={"encoder_per_seed": False})}
    )
    check_datasets(shared)


def write_dataset(folder: Path, name: str) -> None:
    actions, shape = RecordedActions.of(spaces.Discrete(3)), (8, 8, 3)
    found = ImportedDataset(
        id=name, episodes=1, steps=9, whole=True, actions=actions, source_shape=shape
    )
    DATASET.write(folder, found)


def test_agents_of_a_seed_with_other_settings_are_refused(whole: Experiment) -> None:
    other = whole.model_copy(update={"agent": whole.agent.model_copy(update={"gamma": 0.5})})
    with pytest.raises(ArtifactError, match=r"agents/latent/seed_0 was made with agent\.gamma"):
        plan(other)


def test_each_seed_is_charged_its_own_frames_and_encoder(tmp_path: Path) -> None:
    run = synthetic(tmp_path)
    assert run.known_charge("latent") == Cost(22_000, 120.0 + 480 + 120)  # that of seed 2
    assert run.known_charge("untrained") == Cost(22_000, 120.0)
    assert run.of_seed(3).known_charge("latent") == Cost(23_000, 120.0 + 480 + 180)
    assert run.charged("latent", "seconds") == 720.0
    assert run.charged("latent", "cpu_seconds") is None
    with write_scores(run).open() as file:
        rows = [row for row in csv.DictReader(file) if row["evaluation_episode"] == "0"]
    assert [(row["arm"], row["seed"], int(row["env_steps"])) for row in rows] == [
        (arm, f"{seed}", 120_000 + 1_000 * seed)
        for arm in ("latent", "untrained")
        for seed in range(5)
    ]
    costs = {costs.arm: costs for costs in summarise(run, Resampling.seeded(0)).costs}
    assert costs["latent"].seeds[4].charged_steps == 24_000
    assert costs["latent"].mean.charged_steps == 22_000
    assert not run.holes


def test_arms_meet_at_the_steps_of_their_own_seeds(tmp_path: Path) -> None:
    """At 110,000 steps, seed 0's last evaluation during training, seed 4 is 4,000 steps behind."""
    run = synthetic(tmp_path)
    first, second = (RunArm(run, arm) for arm in ("latent", "untrained"))
    found = equal_budget(first, second, "env_steps", Resampling.seeded(0))
    assert found is not None
    assert found.budget == 110_000
    done = (110_000 - 20_000 - 1_000 * np.arange(5)) / 100_000
    assert found.difference.value == pytest.approx(np.mean(done * (5 + np.arange(5)) - done * 4))


def test_curves_begin_where_their_own_charge_ends(tmp_path: Path) -> None:
    run = synthetic(tmp_path)
    (latent,) = learning_panel(run, "env_steps", ["latent"], "").arms
    assert latent.charged == 22_000
    starts = [latent.charged + one.x[0] for one in latent.curves]
    assert starts == [30_000 + 1_000 * seed for seed in range(5)]
    assert all(curve(agent, "env_steps")[0, 0] == 10_000 for agent in run.of("latent"))


def test_what_is_missing_is_named_by_its_place(tmp_path: Path) -> None:
    synthetic(tmp_path)
    (tmp_path / "seed_1/encoder/result.json").unlink()
    (tmp_path / "seed_2/agents/latent/seed_2/result.json").unlink()
    (tmp_path / "seed_3/encoder/result.json").write_text("{")
    holes = {hole.where: hole.state for hole in read_run(tmp_path, [("latent", 9)]).holes}
    assert [*holes] == [
        "seed_1/pretraining",
        "seed_3/pretraining",
        "seed_2/agents/latent/seed_2",
        "seed_9/agents/latent/seed_9",
    ]
    assert "what it took is not charged" in holes["seed_3/pretraining"]
    assert any("seed_3/encoder/result.json" in line for line in read_run(tmp_path).damaged)


def test_an_agent_in_the_run_of_another_seed_is_told_and_not_counted(tmp_path: Path) -> None:
    """It is on that seed's encoder, or was moved; its seed would count twice, or be uncharged."""
    synthetic(tmp_path)
    stranger = "agents/latent/seed_1"
    shutil.copytree(tmp_path / "seed_1" / stranger, tmp_path / "seed_0" / stranger)
    (tmp_path / "seed_3").rename(tmp_path / "seed_7")
    assert [seed_of(path) for path in agent_folders(tmp_path, "latent")] == [0, 1, 2, 4]
    run = read_run(tmp_path)
    assert [agent.seed for agent in run.of("latent")] == [0, 1, 2, 4]
    assert [line.partition(": ")[0] for line in run.damaged] == [
        f"{tmp_path}/seed_{part}/agents/{arm}/seed_{seed}"
        for part, arm, seed in ((0, "latent", 1), (7, "latent", 3), (7, "untrained", 3))
    ]
    assert "was it moved? Put it back, or remove it" in run.damaged[0]
    assert run.damage_before_agents


def test_a_report_reads_of_a_seed_what_it_needs(tmp_path: Path) -> None:
    """Another seed's configuration and declaration decide nothing in the report over all."""
    synthetic(tmp_path)
    with (tmp_path / "seed_1/config.yaml").open("a") as file:
        file.write("seed: 5\n")
    (tmp_path / "seed_2/declared.jsonl").write_text("{")
    run = read_run(tmp_path)
    assert len(run.results) == 10
    assert not run.damaged


def test_a_damaged_stage_of_a_seed_ends_the_command_like_that_of_all(tmp_path: Path) -> None:
    synthetic(tmp_path)
    assert not read_run(tmp_path).damage_before_agents
    (tmp_path / "seed_3/encoder/result.json").write_text("{")
    (line,) = read_run(tmp_path).damage_before_agents
    assert "seed_3/encoder/result.json" in line


def test_the_run_of_a_seed_without_agents_decides_nothing(tmp_path: Path) -> None:
    """It was made by a command for one encoder; comparing again would not finish it."""
    synthetic(tmp_path)
    shutil.copytree(tmp_path / "seed_1/rollouts", tmp_path / "seed_9/rollouts")
    assert not read_run(tmp_path).holes
    assert "seed 9" not in read_run(tmp_path).encoders
    planned = read_run(tmp_path, [("latent", 9)])
    assert [hole.where for hole in planned.holes] == [
        "seed_9/pretraining",
        "seed_9/agents/latent/seed_9",
    ]


def test_pictures_are_of_the_first_seed_that_has_an_encoder(tmp_path: Path) -> None:
    synthetic(tmp_path)
    shutil.rmtree(tmp_path / "seed_0/encoder")
    for seed in (1, 2):
        write_check(tmp_path / f"seed_{seed}", "healthy", [])
    run = read_run(tmp_path)
    assert run.shown == ("seed 1", run.parts[1])
    page = write_report(run, summarise(run, Resampling.seeded(0))).read_text()
    assert "Pictures are those of seed 1." in page
    assert "the latents of seed 1 can be moved" in page
    assert "health.html in the folders seed_1/encoder and seed_2/encoder, beside" in page


def test_versus_says_that_only_one_of_two_has_encoders_of_seeds(tmp_path: Path) -> None:
    """The spread over seeds is that of pretraining, too, in one of them alone."""
    synthetic(tmp_path / "own")
    write_run(tmp_path / "shared", {"latent": {seed: [3.0 + seed] for seed in range(5)}})
    told = [*tell_apart((tmp_path / "own", "latent"), (tmp_path / "shared", "latent"))]
    line = "the encoder (compare.encoder_per_seed): of each seed | one for all seeds"
    assert line in told
    assert line not in [*tell_apart((tmp_path / "own", "latent"), (tmp_path / "own", "untrained"))]


def test_an_unfit_encoder_is_named_by_its_seed(tmp_path: Path) -> None:
    synthetic(tmp_path)
    for seed in range(5):
        write_check(tmp_path / f"seed_{seed}", "healthy", [])
    finding = Finding(name="objects", severity="unfit", found="A ball is lost.", advice="Look.")
    write_check(tmp_path / "seed_3", "unfit", [finding])
    run = read_run(tmp_path)
    (told,) = unfit(run)
    assert told.startswith("The encoder of seed 3 is unfit by its health check. A ball is lost.")
    summary = summarise(run, Resampling.seeded(0))
    text = render_text(run, summary, "title", "", "")
    assert text.count("A ball is lost.") == 2  # in the verdict and below the check
    assert "A ball is lost." in write_report(run, summary).read_text()


def test_no_command_begins_the_other_kind_in_a_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of a few agents on a shared encoder and a seed with its own, charges would be wrong."""
    words = ["", str(TINY), "--runs", str(tmp_path), "--name", "x"]
    (tmp_path / "x/agents/latent/seed_0").mkdir(parents=True)
    monkeypatch.setattr(sys, "argv", [*words, "--compare.encoder_per_seed", "true"])
    with pytest.raises(ArtifactError, match=r"agents holds agents that share an encoder"):
        Parser("").parse()
    (tmp_path / "x/agents").rename(tmp_path / "x/seed_0")
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(ArtifactError, match=r"seed_0 holds a seed with an encoder of its own"):
        Parser("", scope="environment").parse()


@pytest.mark.parametrize(
    ("scope", "arguments", "folder"),
    [
        ("encoder", ["--seed", "1"], "seed_1"),
        ("encoder", [], "seed_0"),
        ("environment", ["--seed", "1"], ""),
        ("all", [], ""),
    ],
)
def test_a_command_works_in_the_run_of_a_seed(
    scope: str, arguments: list[str], folder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    more = ["--runs", str(tmp_path), "--name", "x", "--compare.encoder_per_seed", "true"]
    monkeypatch.setattr(sys, "argv", ["", str(TINY), *more, *arguments])
    _, experiment = Parser("", scope=scope).parse()  # type: ignore[arg-type]
    assert experiment.folder == tmp_path / "x" / folder
    assert experiment.seed == (1 if arguments else 0)


def test_a_command_makes_no_encoder_for_a_seed_that_is_not_compared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without --seed it would be that of seed 0; one that was made for an agent may be named."""
    words = ["", str(TINY), "--runs", str(tmp_path), "--name", "x"]
    words += ["--compare.encoder_per_seed", "true", "--compare.seeds", "[1, 2]"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(ConfigError, match=r"^seed = 0: .* does not name it; set --seed to 1 or 2$"):
        Parser("").parse()
    (tmp_path / "x/seed_0").mkdir(parents=True)
    assert Parser("").parse()[1].folder == tmp_path / "x/seed_0"


def test_one_seed_of_a_comparison_is_not_asked_for_in_vain(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ["", str(TINY), "--runs", str(tmp_path), "--compare.encoder_per_seed", "true"]
    monkeypatch.setattr(sys, "argv", [*words, "--seed", "0"])
    with pytest.raises(ConfigError, match=r"compare\.seeds replaces --seed here"):
        scripts.compare.main()


def test_the_explorer_of_one_seed_is_written_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ["", str(TINY), "--runs", str(tmp_path), "--name", "x"]
    words += ["--compare.encoder_per_seed", "true", "--out", f"{tmp_path}/x.html"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(ConfigError, match=r"one file for 2 encoders"):
        scripts.explore.main()
    monkeypatch.setattr(sys, "argv", [*words, "--seed", "1"])
    with pytest.raises(ArtifactError, match=r"/x/seed_1/encoder: no finished encoder to explore"):
        scripts.explore.main()
