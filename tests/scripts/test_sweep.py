"""`python -m scripts.sweep` on the tiny experiment: killed, called again, looked at."""

import csv
import json
from pathlib import Path

import pytest

from agents.config.experiment import Experiment
from agents.sweep.run import sweep
from tests.commands import Command, run
from tests.processes import is_alive, wait_until, workers
from worldvae.errors import WorldvaeError

ROOT = Path(__file__).parents[2]
SWEEP = ["scripts.sweep", "tests/tiny.yaml", "--name", "x"]
SWEEP += ["--rollouts.state", "always", "--sweep.trials", "2", "--sweep.beta", "[0.001, 100]"]
FIRST, SECOND = "latents_4_beta_100", "latents_4_beta_0.001"


def wait_for(path: Path) -> None:
    wait_until(path.exists, f"{path} did not appear")


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, list[int]]:
    """A sweep killed in its second trial: its folder, when the first was done, its processes."""
    runs = tmp_path_factory.mktemp("runs")
    folder = runs / "x" / "sweep"
    process = Command(*SWEEP, "--runs", runs, alone=True)
    try:
        wait_for(folder / FIRST / "health.json")
        wait_for(folder / SECOND / "metrics.jsonl")
        trials = workers(process.pid)
    finally:
        process.kill()
    return runs, (folder / FIRST / "health.json").stat().st_mtime_ns, trials


@pytest.fixture(scope="module")
def resumed(killed: tuple[Path, int, list[int]]) -> tuple[Path, str]:
    runs = killed[0]
    done = run(*SWEEP, "--runs", runs)
    return runs / "x" / "sweep", done.stdout


def test_a_killed_sweep_leaves_no_trial_running(killed: tuple[Path, int, list[int]]) -> None:
    trials = killed[2]
    if not trials:
        pytest.skip("/proc does not tell which processes a process has started")
    wait_until(lambda: not any(map(is_alive, trials)), "a trial outlived its sweep")


def test_the_same_command_goes_on(
    killed: tuple[Path, int, list[int]], resumed: tuple[Path, str]
) -> None:
    folder, _ = resumed
    assert (folder / FIRST / "health.json").stat().st_mtime_ns == killed[1]
    with (folder / "sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["outcome"], float(row["beta"])) for row in rows] == [
        ("complete", 0.001),
        ("complete", 100.0),
    ]


def test_the_table_holds_what_the_health_checks_measured(resumed: tuple[Path, str]) -> None:
    folder, _ = resumed
    with (folder / "sweep.csv").open() as file:
        row = next(csv.DictReader(file))
    health = json.loads((folder / SECOND / "health.json").read_text())
    held_out = health["reconstruction"]["held_out"]
    expected = {
        "rate": held_out["rate"],
        "mse_held_out": held_out["mse"],
        "mse_train": health["reconstruction"]["train"]["mse"],
        "lost_moving": held_out["moving"]["lost"],
        "overfitting": health["overfitting"]["ratio"],
        "active": health["code"]["active"],
        "probes": health["probes"]["mean"]["latents"],
        "floor": health["probes"]["mean"]["majority"],
    }
    assert {name: float(row[name]) for name in expected} == pytest.approx(expected)


def test_verdict_and_pictures(resumed: tuple[Path, str]) -> None:
    folder, printed = resumed
    summary = json.loads((folder / "sweep.json").read_text())
    assert summary["reason"] in printed
    assert summary["thresholds"] == {"keep": 0.9, "overfitting_margin": 0.1}
    assert summary["command"].startswith("python -m scripts.sweep tests/tiny.yaml")
    assert (folder / "sweep.png").stat().st_size > 10_000
    assert (folder / "frames.png").stat().st_size > 5_000
    settings = json.loads((folder / SECOND / "config.json").read_text())["autoencoder"]
    assert settings["objective"]["beta"] == 0.001


def test_other_settings_are_refused(resumed: tuple[Path, str]) -> None:
    runs = str(resumed[0].parents[1])
    changed = {"runs": runs, "name": "x", "rollouts.state": "always", "pretrain.steps": 21}
    experiment = Experiment.load(ROOT / "tests/tiny.yaml", changed)
    with pytest.raises(WorldvaeError, match=r"made with pretrain\.steps = 20, now it is 21"):
        sweep(experiment)
