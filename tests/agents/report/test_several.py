"""Several environments put together: normalised scores by hand, words that claim no more."""

import csv
from pathlib import Path

import numpy as np
import pytest

from agents.report.results import read_run
from agents.report.several import Task, overall, words, write_several
from tests.agents.report.synthetic import write_run

SEEDS = range(5)


def tasks(
    folder: Path, pong: dict[str, list[float]], boxing: dict[str, list[float]]
) -> dict[str, Task]:
    """Arm -> score of each seed; Pong's scale is -20 to 0, Boxing's 0 to 50."""
    scales = {"Pong": (-20.0, 0.0), "Boxing": (0.0, 50.0)}
    made = {}
    for name, arms in (("Pong", pong), ("Boxing", boxing)):
        returns = {
            arm: {seed: [score] for seed, score in enumerate(scores)}
            for arm, scores in arms.items()
        }
        made[name] = Task(read_run(write_run(folder / name, returns)), *scales[name])
    return made


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_scores_are_normalised_in_each_environment(tmp_path: Path) -> None:
    made = tasks(tmp_path, {"latent": [-20.0, -10.0, 10.0]}, {"latent": [25.0]})
    np.testing.assert_allclose(made["Pong"].normalised("latent"), [0.0, 0.5, 1.5])
    np.testing.assert_allclose(made["Boxing"].normalised("latent"), [0.5])


def test_aggregates_by_hand(tmp_path: Path) -> None:
    """Normalised: Pong 0, 0.5, 1, 1.5; Boxing 0.2, 0.2, 0.6, 0.6."""
    made = tasks(
        tmp_path,
        {"latent": [-20.0, -10.0, 0.0, 10.0]},
        {"latent": [10.0, 10.0, 30.0, 30.0]},
    )
    found = overall(made, rng()).aggregates["latent"]
    assert found["mean"].value == pytest.approx((0.75 + 0.4) / 2)
    assert found["median"].value == pytest.approx((0.75 + 0.4) / 2)
    assert found["IQM"].value == pytest.approx((0.2 + 0.5 + 0.6 + 0.6) / 4)
    assert found["optimality gap"].value == pytest.approx(1 - (2.5 / 4 + 0.4) / 2)
    assert found["IQM"].n == 4


def test_an_arm_with_a_hole_is_left_out(tmp_path: Path) -> None:
    made = tasks(tmp_path, {"latent": [0.0], "pixels": [0.0]}, {"latent": [1.0]})
    assert overall(made, rng()).arms == ["latent"]
    assert words(overall(tasks(tmp_path / "b", {"latent": [0.0]}, {}), rng())) == [
        "No arm has finished in every environment yet, so nothing is put together."
    ]


def test_a_clear_difference_is_claimed_from_five_seeds_and_not_before(tmp_path: Path) -> None:
    good, bad = [-1.0, 0.0, -2.0, 1.0, 0.5], [-19.0, -18.0, -20.0, -19.5, -18.5]
    more, less = [40.0, 45.0, 50.0, 42.0, 44.0], [1.0, 2.0, 0.0, 3.0, 1.5]
    made = tasks(tmp_path, {"latent": good, "random": bad}, {"latent": more, "random": less})
    text = " ".join(words(overall(made, rng())))
    assert "latent did better than random" in text
    few = tasks(
        tmp_path / "few",
        {"latent": good[:4], "random": bad[:4]},
        {"latent": more[:4], "random": less[:4]},
    )
    assert "better" not in " ".join(words(overall(few, rng())))


def test_no_difference_is_no_claim(tmp_path: Path) -> None:
    same = [-1.0, -10.0, -2.0, -15.0, -5.0]
    made = tasks(
        tmp_path, {"latent": same, "random": same[::-1]}, {"latent": same, "random": same[::-1]}
    )
    assert words(overall(made, rng()))[1] == (
        "No arm did better than another beyond what chance explains."
    )


def test_what_is_written(tmp_path: Path) -> None:
    made = tasks(
        tmp_path,
        {"latent": [-10.0, 0.0], "pixels": [-20.0, -10.0]},
        {"latent": [25.0, 25.0], "pixels": [50.0, 50.0]},
    )
    page = write_several(tmp_path, made)
    text = page.read_text()
    assert text.count("<svg") == 2
    assert "Pong/report.html" in text
    rows = list(csv.reader((tmp_path / "scores.csv").read_text().splitlines()))
    assert rows[0] == ["env", "arm", "seed", "return", "normalised"]
    assert ["Pong", "latent", "0", "-10.0", "0.5"] in rows
    assert len(rows) == 1 + 8
    report = (tmp_path / "report.md").read_text()
    assert "| Boxing | 0 | 50 | 50 (n = 2) | 25 (n = 2) |" in report
