"""A tiny study whose encoders fail or not, called until it is whole."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from agents.config.experiment import Experiment
from agents.study.run import Cell, grid, study
from tests.tiny import TINY
from worldvae.errors import WorldvaeError


def load(runs: Path) -> Experiment:
    """Two encoders that need no training."""
    overrides = {
        "runs": str(runs),
        "name": "x",
        "rollouts.state": "always",
        "study.encoders": {
            "small": {"trained": False, "latents": 2},
            "large": {"trained": False, "latents": 8},
        },
    }
    return Experiment.load(TINY, overrides)


def damage(cell: Cell) -> Path:
    """A file that lets it fail."""
    path = cell.folder / "config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{")
    return path


def encoders(folder: Path) -> set[str]:
    with (folder / "scores.csv").open() as file:
        return {row["encoder"] for row in csv.DictReader(file)}


def test_one_that_fails_leaves_a_gap_that_the_next_call_fills(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = load(tmp_path)
    small, large = grid(experiment)
    bad = damage(small)
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
    probes = (experiment.folder / "study.md").read_text().partition("**Probe of whitened")[2]
    rows = [line.split(" | ")[0] for line in probes.splitlines()[4:7]]
    assert rows == ["| no latents: the mean or the commonest value", "| small", "| large"]


def test_when_all_fail_it_says_where_to_look(tmp_path: Path) -> None:
    experiment = load(tmp_path)
    for cell in grid(experiment):
        damage(cell)
    with pytest.raises(WorldvaeError, match=r"no encoder of .* was measured; its study\.log files"):
        study(experiment)
