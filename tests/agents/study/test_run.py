"""A tiny study whose encoders fail or not, called until it is whole."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agents.config.experiment import Experiment
from agents.config.sections import StudyConfig
from agents.policy.agent import Agent
from agents.prepare import collect_rollouts
from agents.study.cells import Cell, grid, make
from agents.study.run import study
from tests.tiny import TINY
from worldvae.config import merge
from worldvae.errors import WorldvaeError

pytestmark = pytest.mark.usefixtures("forked")

SMALL = {"trained": False, "latents": 2}


def load(runs: Path) -> Experiment:
    """Two encoders that need no training."""
    overrides = {
        "runs": str(runs),
        "name": "x",
        "rollouts.state": "always",
        "study.encoders": {
            "small": SMALL,
            "large": {"trained": False, "latents": 8},
        },
    }
    return Experiment.load(TINY, overrides)


def test_an_environment_of_a_study_may_name_its_module() -> None:
    envs = ["mine:me/A-v0", "B-v0"]
    cells = grid(Experiment.load(TINY, {"study.envs": envs, "env.import": "usual"}))
    named = [(cell.env, cell.experiment.env.id, cell.experiment.env.import_) for cell in cells]
    assert named == [("mine:me/A-v0", "me/A-v0", "mine"), ("B-v0", "B-v0", "usual")]
    with pytest.raises(WorldvaeError, match=r"^study\.envs: mine:: id = '': expected"):
        list(grid(Experiment.load(TINY, {"study.envs": ["mine:"]})))


def damage(cell: Cell) -> Path:
    """A file that lets it fail."""
    path = cell.folder / "config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{")
    return path


def encoders(folder: Path) -> set[str]:
    with (folder / "study.csv").open() as file:
        return {row["encoder"] for row in csv.DictReader(file)}


def test_one_that_fails_leaves_a_gap_that_the_next_call_fills(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = load(tmp_path)
    small, large = grid(experiment)
    bad = damage(small)
    comparison = experiment.folder / "scores.csv"
    comparison.write_text("of a comparison with the same name\n")
    assert not study(experiment)
    told = capsys.readouterr()
    name = "worldvae/Dots-v0 small seed 0"
    assert f"{name} failed (see {small.log}): error: {bad}" in told.err
    assert told.err.endswith(f"not measured: {name}\n")
    assert f"Missing, since they failed: {name}." in told.out
    assert encoders(experiment.folder) == {"large"}
    before = (large.folder / "scores.json").stat().st_mtime_ns
    bad.unlink()
    assert study(experiment)
    told = capsys.readouterr()
    assert "failed (see" not in told.out + told.err
    assert encoders(experiment.folder) == {"small", "large"}
    assert (large.folder / "scores.json").stat().st_mtime_ns == before
    assert comparison.read_text() == "of a comparison with the same name\n"
    probes = (experiment.folder / "study.md").read_text().partition("**Probe of whitened")[2]
    rows = [line.split(" | ")[0] for line in probes.splitlines()[4:7]]
    assert rows == ["| no latents: the mean or the commonest value", "| small", "| large"]


def test_when_all_fail_it_says_where_to_look(tmp_path: Path) -> None:
    experiment = load(tmp_path)
    for cell in grid(experiment):
        damage(cell)
    with pytest.raises(WorldvaeError, match=r"no encoder of .* was measured; its study\.log files"):
        study(experiment)


def with_agent(runs: Path) -> Experiment:
    """One agent on one encoder."""
    agent = {"env_steps": 240, "checkpoint_every": 240}
    amounts = {"episodes": 2, "episodes_otherwise": 0, "every": 240, "episodes_during_training": 1}
    studied = {"agent_seeds": [3], "measures": [], "encoders": {"small": SMALL}}
    values = load(runs).model_dump(by_alias=True)
    values["study"]["encoders"] = {}
    return Experiment.model_validate(
        merge(values, {"agent": agent, "evaluation": amounts, "study": studied})
    )


def test_an_agent_that_fails_leaves_a_gap_that_the_next_call_fills(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = with_agent(tmp_path)
    (cell,) = grid(experiment)
    collect_rollouts(cell.experiment)
    make(cell)
    bad = cell.folder / "agents/latent/seed_3/card.json"
    bad.parent.mkdir(parents=True)
    bad.write_text("{")
    capsys.readouterr()
    assert not study(experiment)
    told = capsys.readouterr()
    name = "worldvae/Dots-v0 small seed 0 agent 3"
    assert f"{name} failed (see {bad.parent / 'train.log'}): error: {bad}" in told.err
    assert told.err.endswith(f"not measured: {name}\n")
    assert f"Missing, since they failed: {name}." in told.out
    assert "| small | 0 | unfit | none |  |" in told.out
    bad.unlink()
    assert study(experiment)
    agent = Agent.load(bad.parent)
    assert agent.encode is not None
    assert agent.encode.encoder.latents == 2, "those of its cell"
    text = (experiment.folder / "study.md").read_text()
    assert "Agents of 1 encoders finished: too few to rank, which takes 4." in text
    with (experiment.folder / "study.csv").open() as file:
        found = {(row["encoder"], row["metric"]) for row in csv.DictReader(file)}
    assert {("small", "return.agent_3"), ("small", "health.lost")} <= found


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ({"envs": ["a", "b"], "agent_seeds": [0]}, "compared within one environment"),
        ({"primary": ["lost"]}, "no number predicts a return without agent_seeds"),
        ({"arm": "memory"}, "need a trained encoder alone; use latent or finetune"),
        ({"arm": "pixels"}, "need a trained encoder alone; use latent or finetune"),
        ({"agent_seeds": [0], "primary": ["loss"]}, "Input should be 'verdict', 'findings'"),
    ],
)
def test_what_cannot_be_predicted_is_one_line(words: dict[str, Any], line: str) -> None:
    with pytest.raises(ValidationError, match=line):
        StudyConfig.model_validate(words)


def test_a_measure_that_is_named_later_is_made_of_the_same_encoders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = load(tmp_path)
    encoders = {"small": SMALL}
    few, more = (
        experiment.model_copy(
            update={"study": StudyConfig.model_validate({"measures": m, "encoders": encoders})}
        )
        for m in ([], ["probes"])
    )
    assert study(few)
    assert "Probe of whitened latents" not in capsys.readouterr().out
    (cell,) = grid(more)
    made = (cell.folder / "model.safetensors").stat().st_mtime_ns
    assert study(more)
    assert "Probe of whitened latents" in capsys.readouterr().out
    assert (cell.folder / "model.safetensors").stat().st_mtime_ns == made
    measured = (cell.folder / "scores.json").stat().st_mtime_ns
    assert study(few), "fewer measures need no other scores"
    assert (cell.folder / "scores.json").stat().st_mtime_ns == measured
