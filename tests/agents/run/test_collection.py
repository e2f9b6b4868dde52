"""Rollouts whose manifest and result.json disagree, through the command that collects."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from agents.config.experiment import Experiment
from agents.prepare import collect_rollouts, pretrain_encoder
from tests.tiny import load
from worldvae.checksum import is_intact


@pytest.fixture
def experiment(runs: Path) -> Experiment:
    return load(runs)


def told(experiment: Experiment) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((experiment.rollouts_folder / "result.json").read_text())
    return values


def lines(experiment: Experiment) -> list[bytes]:
    path = experiment.rollouts_folder / "manifest.jsonl"
    return path.read_bytes().splitlines(keepends=True)


def files(experiment: Experiment) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in experiment.rollouts_folder.glob("0*")}


def test_an_episode_that_is_lost_is_said_and_stays_charged(experiment: Experiment) -> None:
    """Others are collected in its place, under new names."""
    before, shown, kept = told(experiment), files(experiment), lines(experiment)
    (experiment.rollouts_folder / "manifest.jsonl").write_bytes(b"".join(kept[1:]))
    count = before["episodes"]
    with pytest.warns(UserWarning, match=f"tells of {count} episodes .* lists {count - 1} and"):
        store = collect_rollouts(experiment)
    assert {name: data for name, data in files(experiment).items() if name in shown} == shown
    new = [record for record in store.records if f"{record.name}.npz" not in shown]
    assert new
    assert min(int(record.name) for record in new) == count
    steps = store.env.action_repeat * sum(record.length for record in new)
    assert told(experiment)["env_steps"] == before["env_steps"] + steps
    with warnings.catch_warnings(action="error"):
        assert collect_rollouts(experiment).records == store.records, "told once, and done"


def test_the_last_line_is_written_anew_from_the_files(experiment: Experiment) -> None:
    before, kept = told(experiment), lines(experiment)
    (experiment.rollouts_folder / "manifest.jsonl").write_bytes(b"".join(kept[:-1]))
    with pytest.warns(UserWarning, match="whole but not listed"):
        store = collect_rollouts(experiment)
    after = told(experiment)
    same = ("env_steps", "frames", "episodes")
    assert [after[name] for name in same] == [before[name] for name in same]
    assert len(store.records) == len(kept)


@pytest.mark.parametrize("text", ["", "{}", "[]"])
def test_a_damaged_result_is_written_anew(experiment: Experiment, text: str) -> None:
    before = told(experiment)
    path = experiment.rollouts_folder / "result.json"
    path.write_text(text)
    collect_rollouts(experiment)
    after = told(experiment)
    assert is_intact(path)
    assert after["cpu_seconds"] is None, "nobody remembers"
    same = ("env_steps", "frames", "episodes", "seconds")
    assert [after[name] for name in same] == pytest.approx([before[name] for name in same])


def test_a_damaged_health_check_is_made_again(experiment: Experiment) -> None:
    """The encoder is the same, so its verdict is."""
    path = experiment.encoder_folder / "health.json"
    before = json.loads(path.read_text())
    path.write_bytes(path.read_bytes()[:-9])
    pretrain_encoder(experiment)
    assert is_intact(path)
    assert json.loads(path.read_text())["findings"] == before["findings"]
