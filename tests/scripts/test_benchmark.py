"""The benchmark as a user types it."""

import json
from pathlib import Path

import pytest

from tests.commands import run


def test_a_row_by_itself(tmp_path: Path) -> None:
    document = tmp_path / "speed.md"
    document.write_text("## The table\n")
    words = ["--only", "whole-job", "--publish", document]
    done = run("scripts.benchmark", "--folder", tmp_path, *words)
    assert "| `whole-job` |" in done.stdout
    (row,) = json.loads((tmp_path / "benchmark.json").read_text())["rows"]
    assert row["machine"]["command"].startswith("python -m scripts.benchmark --folder")
    assert "| `whole-job` |" in document.read_text()
    assert (tmp_path / "images" / "benchmark.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--only", "encoder-8,colection"], "--only colection: no such row; collection-car-racing"),
        (["--rounds", "0"], "--rounds = 0"),
        (["--race.eror", "1"], "did you mean race.error?"),
        (["--config", "configs/benchmrk.yaml"], "did you mean configs/benchmark.yaml?"),
        (["--only"], "expected one argument"),
        (["--only", "whole-job", "--publish", "nowhere.md"], "nowhere.md"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], expected: str, tmp_path: Path) -> None:
    done = run("scripts.benchmark", "--folder", tmp_path, *words, check=False)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if not line.startswith("warning: other")]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert expected in lines[0]


def test_help_explains_every_key() -> None:
    text = run("scripts.benchmark", "--help").stdout
    for key in ("--only", "--rounds", "--race.cap_seconds", "--ppo_pong.num_envs"):
        assert key in text
