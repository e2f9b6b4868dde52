"""The report's section on drift: whose lines, whose frames, and nothing where nothing is."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from agents.drift.outliers import Outliers
from agents.report.sections.drift import drift
from agents.run.drift_log import DRIFT, DriftLine
from agents.run.load import read_run
from tests.agents.report.synthetic import write_run
from worldvae.diagnostics.drift import Reading, Readings

RETURNS = {"latent": {0: [10.0], 1: [12.0]}, "untrained": {0: [3.0]}, "pixels": {0: [4.0]}}


def watch(
    folder: Path,
    shares: list[float],
    refreshes: list[int],
    has_error: bool,
    strangeness: tuple[float, float] = (2.5, 1.5),
) -> None:
    """A line every 1,000 env steps, and two frames, which are strange."""
    for number, (share, refreshed) in enumerate(zip(shares, refreshes, strict=True)):
        reading = Reading(mean=1, ratio=1 + share, beyond=share)
        line = DriftLine(
            frames=50,
            distance=reading,
            error=reading if has_error else None,
            env_steps=1_000 * (number + 1),
            refreshes=refreshed,
        )
        DRIFT.append(folder, line)
    frames = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    error = np.array([0.02, 0.01]) if has_error else None
    readings = Readings(np.array([50.0, 40]), error, frames if has_error else None)
    Outliers(folder / "strangest.npz").add(frames, readings, np.array(strangeness), 3_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "cars", RETURNS)


def test_without_measurements_there_is_no_section(folder: Path) -> None:
    assert drift(read_run(folder)) == ""


def test_lines_frames_and_the_worst_share_are_shown(folder: Path) -> None:
    watch(folder / "agents/latent/seed_0", [0.01, 0.2], [0, 0], has_error=True)
    watch(folder / "agents/latent/seed_1", [0.01, 0.4], [0, 0], has_error=True)
    watch(folder / "agents/untrained/seed_0", [0.02, 0.1], [0, 0], has_error=False)
    section = drift(read_run(folder))
    assert "At the end the most was 40&nbsp;% of the frames of latent 1." in section
    assert "drift.refresh: true" in section
    assert section.count("<svg") == 2
    assert "Strangest frames of latent, seed 0" in section
    assert "Strangest frames of latent, seed 1" not in section
    assert "Squared errors 0.01 to 0.02." in section
    assert "This encoder shows no reconstruction" in section
    assert (folder / "agents/latent/seed_0/strangest.png").stat().st_size > 1_000


@pytest.mark.parametrize(
    ("strangeness", "count"),
    [((2.5, 1.5), "2 of 2 are beyond it"), ((1.5, 0.5), "1 of 2 are"), ((0.9, 0.5), "None is")],
)
def test_frames_within_the_limit_are_not_said_to_be_beyond_it(
    folder: Path, strangeness: tuple[float, float], count: str
) -> None:
    watch(folder / "agents/latent/seed_0", [0.01], [0], True, strangeness)
    section = drift(read_run(folder))
    assert "distance or error, whichever is worse, over the limit" in section
    assert count in section
    assert "times it is beyond" not in section


def test_a_refit_is_told_of_with_the_frames_after_it(folder: Path) -> None:
    own = folder / "agents/latent/seed_0"
    watch(own, [0.3, 0.02], [0, 1], has_error=True)
    (own / "refresh_1").mkdir()
    shutil.copy(own / "strangest.npz", own / "refresh_1")
    section = drift(read_run(folder))
    assert "Encoders were refitted once" in section
    assert "Strangest frames of latent, seed 0, after refresh 1" in section


def test_what_cannot_be_read_does_not_hide_the_report(folder: Path) -> None:
    own = folder / "agents/latent/seed_0"
    watch(own, [0.3, 0.02], [0, 0], has_error=True)
    (own / DRIFT.name).write_text("nonsense\n")
    watch(folder / "agents/latent/seed_1", [0.1], [0], has_error=True)
    (folder / "agents/latent/seed_1/strangest.npz").write_bytes(b"PK")
    section = drift(read_run(folder))
    assert "latent 1" in section
    assert "<img" not in section
    assert f"Left out: {own / DRIFT.name}: line 1 is damaged" in section
    one = folder / "agents/latent/seed_1/strangest.npz"
    assert f"Not shown: {one}: damaged, or edited" in section
