"""How far a job is, from logs written by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.jobs.progress import Progress, agent_progress, encoder_progress
from worldvae.jsonl import append_jsonl


def test_nothing_is_written_yet(tmp_path: Path) -> None:
    assert agent_progress(tmp_path, 100) == Progress(0, 100)
    assert encoder_progress(tmp_path, 100) == Progress(0, 100)


def test_an_agent_has_the_mean_return_of_its_last_ten_episodes(tmp_path: Path) -> None:
    for episode in range(1, 13):
        row = {"env_steps": 10 * episode, "seconds": 1.0, "return": float(episode), "length": 5}
        append_jsonl(tmp_path / "episodes.jsonl", row)
    mean = sum(range(3, 13)) / 10
    assert agent_progress(tmp_path, 500) == Progress(120, 500, f"return {mean}")


def test_steps_beyond_the_last_are_not_shown(tmp_path: Path) -> None:
    append_jsonl(
        tmp_path / "episodes.jsonl", {"env_steps": 105, "seconds": 1.0, "return": -1.0, "length": 5}
    )
    assert agent_progress(tmp_path, 100) == Progress(100, 100, "return -1")


@pytest.mark.parametrize("rows", [1, 400])
def test_of_a_long_log_only_the_end_is_read(tmp_path: Path, rows: int) -> None:
    for step in range(rows):
        row = {"step": step, "split": "validation", "seconds": 1.0, "loss": step + 0.5}
        append_jsonl(tmp_path / "metrics.jsonl", row)
    expected = Progress(rows - 1, 1000, f"loss {rows - 0.5}")
    assert encoder_progress(tmp_path, 1000) == expected
