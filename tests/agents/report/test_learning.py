"""Curves of several comparisons in one figure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import pytest
from matplotlib.figure import Figure

from agents.report import learning
from agents.report.learning import column_titles, draw_learning
from agents.report.sections.curves import learning_panel
from agents.run.published import read_published
from scripts.curves import main
from tests.agents.report.synthetic import write_run
from worldvae.errors import ArtifactError

RESULTS = Path(__file__).parents[3] / "docs" / "results"
DOTS, CAR = RESULTS / "dreams" / "dots", RESULTS / "car_racing" / "second"


def test_published_runs_are_drawn_over_steps_and_over_cpu_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "curves.png"
    words = [str(DOTS), str(CAR), "--arms", "dream", "latent", "--over", "steps", "cpu"]
    monkeypatch.setattr(sys, "argv", ["curves", *words, "--out", str(path)])
    main()
    assert capsys.readouterr().out == f"figure: {path}\n"
    height, width, _ = cv2.imread(str(path)).shape
    assert width > height > 300


def test_columns_of_one_environment_are_told_apart() -> None:
    two = RESULTS / "car_racing" / "two_million"
    folders = [DOTS, CAR, RESULTS / "car_racing" / "sac"]
    titles = column_titles([read_published(folder) for folder in folders], folders)
    assert titles == ["worldvae/Dots-v0", "CarRacing-v3, PPO", "CarRacing-v3, SAC"]
    folders = [CAR, two]
    titles = column_titles([read_published(folder) for folder in folders], folders)
    assert titles == ["CarRacing-v3, PPO (second)", "CarRacing-v3, PPO (two_million)"]


def test_a_curve_begins_after_the_cpu_time_that_its_arm_is_charged() -> None:
    run = read_published(CAR)
    (latent,) = learning_panel(run, "cpu_seconds", ["latent"], "").arms
    stages = [run.stages["collection"], run.stages["pretraining"]]
    assert latent.charged == pytest.approx(sum(stage.cpu_seconds or 0 for stage in stages) / 60)
    first = min(curve.x[0] for curve in latent.curves)
    spent = min(agent.evaluations[0].cpu_seconds or 0 for agent in run.of("latent"))
    assert first == pytest.approx(spent / 60)


def test_of_each_run_the_arms_that_were_asked_for_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of any run, if none was named."""
    first = write_run(tmp_path / "first", {name: {0: [1.0]} for name in ("latent", "pixels")})
    second = write_run(tmp_path / "second", {"blind": {0: [1.0]}})
    drawn: list[list[str]] = []

    def draw(panels: Any, *others: Any) -> Figure:
        drawn.extend([arm.arm for arm in panel.arms] for row in panels for panel in row)
        return Figure()

    monkeypatch.setattr(learning, "learning_panels", draw)
    for arms in ([], ["pixels", "blind"]):
        draw_learning([first, second], arms, ["env_steps"], tmp_path / "a.png")
    assert drawn == [["pixels", "latent"], ["blind"], ["pixels"], ["blind"]]


def test_what_was_not_measured_is_said(tmp_path: Path) -> None:
    first = RESULTS / "car_racing" / "first"
    said = draw_learning([first], ["pixels"], ["env_steps", "cpu_seconds"], tmp_path / "a.png")
    assert said == [f"{first}: pixels over CPU minutes was not measured"]


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", {"latent": {0: [1.0], 1: [2.0]}, "pixels": {0: [3.0]}})
    (folder / "encoder/result.json").unlink()
    (folder / "agents/latent/seed_1/result.json").write_text("{")
    charge, agent = draw_learning([folder], ["latent"], ["env_steps"], tmp_path / "a.png")
    assert charge == (f"{folder}: pretraining: not finished; what it will cost is not charged yet")
    assert agent.startswith(f"{folder}: agents/latent/seed_1: left out: ")
    assert draw_learning([folder], ["pixels"], ["env_steps"], tmp_path / "a.png") == []


@pytest.mark.parametrize("arms", [["finetune"], ["finetune", "memory"]])
def test_a_run_without_the_arms_is_refused(tmp_path: Path, arms: list[str]) -> None:
    with pytest.raises(ArtifactError, match=r"door_key: no arm to draw has finished there \(it"):
        draw_learning([RESULTS / "door_key"], arms, ["env_steps"], tmp_path / "a.png")
