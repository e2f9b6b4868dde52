"""Reading run folders: whole, unfinished, damaged."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from agents.config.sections import CompareConfig, TaskConfig
from agents.report.sections.curves import curves
from agents.report.sections.encoder import encoder
from agents.run.agent_files import hash_files
from agents.run.load import SCORES_HEADER, curve, read_run, write_scores
from agents.run.stage_results import Cost
from tests.agents.report.synthetic import record_spending, state, write_run
from tests.checksums import amend
from worldvae.errors import WorldvaeError
from worldvae.stats import Resampling

RETURNS = {"latent": {1: [30.0], 0: [10.0, 20.0]}, "pixels": {0: [1.0, 3.0]}}


def test_a_run_is_read_with_its_arms_and_seeds_in_order(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path, RETURNS))
    assert run.arms == ("pixels", "latent")
    assert list(run.finished("latent")) == [0, 1]
    assert run.finished("latent")[0].score == 15.0
    assert run.finished("latent")[0].evaluation.env_id == "CarRacing-v3"
    assert run.card is not None
    assert run.card.kl == (4.0, 0.001, 2.5)
    assert run.holes == ()


def test_only_an_encoder_that_was_trained_is_charged(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path, RETURNS))
    assert run.known_charge("latent") == Cost(20_000, 120.0 + 480.0)
    assert run.known_charge("untrained") == Cost(20_000, 120.0), "its whitening needs the frames"
    assert run.known_charge("finetune") == run.known_charge("latent"), (
        "it begins with the trained one"
    )
    for arm in ("pixels", "state", "blind"):
        assert run.known_charge(arm) == Cost(0, 0.0)


def test_the_steps_of_an_unfinished_dreamer_are_dreamed(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path, {"dream": {0: []}}))
    assert run.holes[-1].state == "not finished; 50,000 dreamed env steps so far"


def test_what_has_no_result_is_a_hole(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"pixels": {0: [1.0], 1: []}})
    (folder / "agents/pixels/seed_2").mkdir()
    run = read_run(folder, planned=[("pixels", 0), ("latent", 7)])
    assert [(hole.where, hole.state) for hole in run.holes] == [
        ("agents/pixels/seed_1", "not finished; 50,000 env steps so far"),
        ("agents/pixels/seed_2", "begun, nothing logged yet"),
        ("agents/latent/seed_7", "not begun"),
    ]
    assert list(run.finished("pixels")) == [0]


def test_missing_stages_matter_only_to_arms_that_pay_for_them(tmp_path: Path) -> None:
    for arm, holes in (("pixels", 0), ("latent", 2)):
        folder = write_run(tmp_path / arm, {arm: {0: [1.0]}})
        (folder / "rollouts/result.json").unlink()
        (folder / "encoder/result.json").unlink()
        assert len(read_run(folder).holes) == holes


def test_an_empty_folder_is_an_empty_run(tmp_path: Path) -> None:
    run = read_run(tmp_path)
    assert run.arms == ()
    assert run.config == ""


def test_no_folder_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(WorldvaeError, match="no such folder"):
        read_run(tmp_path / "nothing")


def test_a_torn_last_line_is_not_yet_written(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"pixels": {0: []}})
    with (folder / "agents/pixels/seed_0/evaluations.jsonl").open("a") as file:
        file.write('{"env_steps": 9')
    assert len(read_run(folder).agents[0].evaluations) == 5


def test_strange_folders_are_not_agents(tmp_path: Path) -> None:
    folder = write_run(tmp_path, RETURNS)
    (folder / "agents/pixels/seed_copy").mkdir()
    assert len(read_run(folder).agents) == 3


PLAYED = {
    **{"env_id": "x", "deterministic": False, "seeds": [1], "returns": [1.0], "lengths": [1]},
    "successes": [None],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arm": "latent"}, "belongs to arm 'latent'"),
        ({"seconds": "soon"}, "seconds: expected a number"),
        ({"evaluation": {**PLAYED, "returns": []}}, "returns"),
        ({"evaluation": {**PLAYED, "returns": [1, 2]}}, "equally many"),
        ({"evaluation": {**PLAYED, "returns": [float("nan")]}}, "finite"),
    ],
)
def test_a_damaged_result_is_a_hole_that_names_file_and_fault(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    folder = write_run(tmp_path, {"pixels": {0: [1.0], 1: [2.0]}})
    path = folder / "agents/pixels/seed_0/result.json"
    amend(path, **change)
    run = read_run(folder)
    assert list(run.finished("pixels")) == [1], "the others are read"
    (hole,) = run.holes
    assert hole.where == "agents/pixels/seed_0"
    assert str(path) in hole.state
    assert re.search(message, hole.state)


@pytest.mark.parametrize(("old", "new"), [("1.0", "900.0"), ("sha256", "sha257"), ("}", "")])
def test_an_edited_return_is_a_hole_and_not_a_score(tmp_path: Path, old: str, new: str) -> None:
    folder = write_run(tmp_path, {"pixels": {0: [1.0], 1: [2.0]}})
    path = folder / "agents/pixels/seed_0/result.json"
    path.write_text(path.read_text().replace(old, new))
    run = read_run(folder)
    assert list(run.finished("pixels")) == [1]
    (hole,) = run.holes
    assert hole.state.startswith(f"left out: {path}: damaged, or edited since it was written")


@pytest.mark.parametrize("name", ["collection", "pretraining"])
def test_a_damaged_cost_is_said_and_not_charged(tmp_path: Path, name: str) -> None:
    folder = write_run(tmp_path, {"latent": {0: [1.0]}})
    path = folder / {"collection": "rollouts", "pretraining": "encoder"}[name] / "result.json"
    path.write_text(path.read_text().replace("0", "1"))
    run = read_run(folder)
    (hole,) = run.holes
    assert hole.where == name
    assert hole.state.startswith(f"{path}: damaged, or edited since it was written; ")
    assert hole.state.endswith("; what it took is not charged")
    assert run.damaged == tuple(run.damage.values())
    assert run.known_charge("latent").env_steps == (0 if name == "collection" else 20_000)


def test_a_damaged_card_leaves_its_figures_out(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"latent": {0: [1.0]}})
    path = folder / "encoder/card.json"
    path.write_text(path.read_text().replace("4.0", "8.0"))
    run = read_run(folder)
    assert run.card is None
    assert run.holes == ()
    assert "damaged" in run.damage["card"]
    assert "Its scores are left out: " in encoder(run)


def evaluations_of(folder: Path) -> Path:
    return folder / "agents/pixels/seed_0/evaluations.jsonl"


def test_a_damaged_line_of_a_log_leaves_the_log_out_and_keeps_the_score(tmp_path: Path) -> None:
    path = evaluations_of(write_run(tmp_path, {"pixels": {0: [1.0], 1: [2.0]}}))
    path.write_text(path.read_text().replace('"seconds": 200.0', '"seconds": 100.0'))
    run = read_run(tmp_path)
    first, second = run.agents
    assert list(run.finished("pixels")) == [0, 1]
    assert (first.evaluations, len(second.evaluations)) == ((), 10)
    assert first.damaged_logs == run.damaged
    assert first.damaged_logs[0].startswith(f"{path}: line 2 is damaged")
    assert f"Left out: {path}: line 2 is damaged" in curves(run, Resampling.seeded(0))


@pytest.mark.parametrize("kept", [0, 9])
def test_a_log_that_lacks_lines_is_not_that_of_the_result(tmp_path: Path, kept: int) -> None:
    path = evaluations_of(write_run(tmp_path, {"pixels": {0: [1.0]}}))
    amend(path.parent / "result.json", files=hash_files(path.parent))
    assert read_run(tmp_path).damaged == ()
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:kept]))
    (line,) = read_run(tmp_path).damaged
    assert line.startswith(f"{path}: damaged, or edited since it was written")
    path.unlink()
    assert read_run(tmp_path).damaged == (line,)


def test_a_damaged_configuration_is_one_line(tmp_path: Path) -> None:
    folder = write_run(tmp_path, RETURNS)
    path = folder / "config.yaml"
    for data in (b"{", b"", path.read_bytes()[1:]):
        path.write_bytes(data)
        with pytest.raises(WorldvaeError, match=r"config\.yaml: damaged, .*; compare again"):
            read_run(folder)


def test_edited_scores_are_written_anew_from_the_results(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path, RETURNS))
    path = write_scores(run)
    right = path.read_text()
    path.write_text(right.replace("20.0", "920.0"))
    assert write_scores(run).read_text() == right


def test_scores_have_a_line_for_each_episode_and_include_the_charge(tmp_path: Path) -> None:
    path = write_scores(read_run(write_run(tmp_path, RETURNS)))
    header, *rows = csv.reader(path.read_text().splitlines())
    assert header == list(SCORES_HEADER)
    assert rows == [
        ["pixels", "0", "0", "1000", "1.0", "50", "", "100000", "1000.000"],
        ["pixels", "0", "1", "1001", "3.0", "50", "", "100000", "1000.000"],
        ["latent", "0", "0", "1000", "10.0", "50", "", "120000", "1600.000"],
        ["latent", "0", "1", "1001", "20.0", "50", "", "120000", "1600.000"],
        ["latent", "1", "0", "1000", "30.0", "50", "", "120000", "1600.000"],
    ]


def test_a_curve_is_the_mean_return_over_steps_or_seconds(tmp_path: Path) -> None:
    (agent,) = read_run(write_run(tmp_path, {"pixels": {0: [10.0]}})).agents
    np.testing.assert_allclose(curve(agent, "env_steps")[:, [0, -1]], [[10_000, 100_000], [1, 10]])
    np.testing.assert_allclose(curve(agent, "seconds")[0, :2], [100, 200])


def test_what_nobody_measured_is_none(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path, {"pixels": {0: [1.0]}}))
    (result,) = run.results
    assert (result.cpu_seconds, result.peak_memory, result.evaluation_seconds) == (None,) * 3
    assert result.otherwise is result.evaluation.deterministic is None
    assert run.stages["collection"].cpu_seconds is None


def test_time_and_memory_are_read(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"pixels": {1: [1.0]}})
    record_spending(folder)
    run = read_run(folder)
    (result,) = run.results
    assert (result.cpu_seconds, result.peak_memory) == (660.0, 2**31)
    pretraining = run.stages["pretraining"]
    assert (pretraining.cpu_seconds, pretraining.peak_memory) == (900.0, 2**31)


def test_the_configuration_states_trials_and_scales(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"pixels": {0: [1.0]}})
    assert read_run(folder).compare == CompareConfig()
    scale = "{random_score: -21, reference_score: 9, env: {}}"
    state(folder, f"{{tuning_trials: {{latent: 9}}, envs: {{A-v0: {scale}}}}}")
    stated = read_run(folder).compare
    assert stated.tuning_trials == {"latent": 9}
    assert stated.envs == {"A-v0": TaskConfig(random_score=-21.0, reference_score=9.0)}


def test_a_configuration_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"pixels": {0: [1.0]}})
    state(folder, "{tuning_trials: {latent: many}}")
    with pytest.raises(WorldvaeError, match=r"config\.yaml: compare\.tuning_trials\.latent"):
        read_run(folder)
