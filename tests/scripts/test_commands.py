"""Every command with a tiny budget, as a user types it, and every mistake in one line."""

import csv
import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.commands import Command, run
from tests.processes import wait_until

TINY = "tests/tiny.yaml"
# bfloat16 keeps 8 bits, and Adam divides a gradient by its own size.
ROUNDING = 5e-3


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`compare` on the tiny experiment: the folder of its runs."""
    runs = tmp_path_factory.mktemp("runs")
    done = run("scripts.compare", TINY, "--runs", runs, "--name", "tiny")
    assert "report:" in done.stdout
    assert "latent" in done.stdout
    return runs


def test_compare_leaves_scores_and_a_report(runs: Path) -> None:
    with (runs / "tiny" / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 2 * 4, "arms x seeds x episodes"
    assert {row["arm"] for row in rows} == {"latent", "untrained", "pixels"}
    report = (runs / "tiny" / "report.html").read_text()
    for title in ("Verdict", "What each arm sees", "Latent health", "The agents side by side"):
        assert title in report
    for name in ("reconstructions", "traversals", "samples", "training"):
        assert (runs / "tiny" / "encoder" / f"{name}.png").stat().st_size > 1_000
    assert not (runs / "tiny" / "encoder" / "checkpoint.pt").exists()


def test_each_agent_names_the_command_that_trains_it_alone(runs: Path) -> None:
    for arm in ("latent", "untrained", "pixels"):
        for seed in (0, 1):
            path = runs / "tiny" / "agents" / arm / f"seed_{seed}" / "result.json"
            words = f"{runs / 'tiny' / 'config.yaml'} --arm {arm} --seed {seed}"
            command = json.loads(path.read_text())["command"]
            assert command == f"python -m scripts.train {words}"


def test_compare_again_trains_nothing_again(runs: Path) -> None:
    results = sorted((runs / "tiny").rglob("result.json"))
    agents = [path for path in results if "agents" in path.parts]
    before = [path.stat().st_mtime_ns for path in agents]
    run("scripts.compare", TINY, "--runs", runs, "--name", "tiny")
    assert [path.stat().st_mtime_ns for path in agents] == before
    assert len(agents) == 6


def test_a_report_of_what_has_finished_trains_nothing(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "tiny", tmp_path / "tiny")
    lost = tmp_path / "tiny" / "agents" / "untrained" / "seed_1" / "result.json"
    lost.unlink()
    words = ["scripts.compare", TINY, "--runs", str(tmp_path), "--report"]
    run(*words, "--name", "tiny")
    assert "5 of 6 agents finished" in (tmp_path / "tiny" / "report.md").read_text()
    assert not lost.exists()
    done = run(*words, "--name", "other", check=False)
    assert (done.returncode, "holds no finished agent" in done.stderr) == (2, True)
    assert not (tmp_path / "other").exists()


def test_the_run_folder_holds_a_config_that_goes_on(runs: Path) -> None:
    config = runs / "tiny" / "config.yaml"
    done = run("scripts.compare", config)
    assert str(runs / "tiny" / "report.html") in done.stdout


def test_one_more_seed_trains_one_more(runs: Path) -> None:
    words = ["--runs", runs, "--name", "tiny", "--compare.arms", "[latent]"]
    run("scripts.compare", TINY, *words, "--compare.seeds", "[0, 1, 2]")
    assert (runs / "tiny" / "agents" / "latent" / "seed_2" / "result.json").exists()


def test_a_finished_comparison_refuses_other_settings_and_keeps_its_config(runs: Path) -> None:
    config = runs / "tiny" / "config.yaml"
    before = config.read_text()
    words = ["scripts.compare", TINY, "--runs", str(runs), "--name", "tiny"]
    done = run(*words, "--agent.gamma", "0.5", check=False)
    assert done.returncode == 2
    assert "was made with agent.gamma = 0.99, now it is 0.5" in done.stderr
    assert run(*words, "--pretrain.objective.beta", "9", check=False).returncode == 2
    assert config.read_text() == before


def test_collect_and_inspect(tmp_path: Path) -> None:
    words = [TINY, "--runs", tmp_path, "--name", "x"]
    assert "environment steps" in run("scripts.collect", *words).stdout
    text = run("scripts.collect", *words, "--inspect").stdout
    assert "duplicate frames" in text
    assert (tmp_path / "x" / "rollouts" / "contact_sheet.png").exists()


def test_rollouts_go_to_minari_and_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "datasets"))
    words = ["scripts.collect", TINY, "--runs", tmp_path]
    done = run(*words, "--name", "x", "--to", "minari:dots/play-v0", "--author", "Ada")
    assert f"dataset: {tmp_path}/datasets/dots/play-v0" in done.stdout
    taken = run(*words, "--name", "y", "--from", "minari:dots/play-v0")
    assert "crop none, from minari:dots/play-v0" in taken.stdout
    listed = [(tmp_path / name / "rollouts" / "manifest.jsonl").read_bytes() for name in "xy"]
    assert listed[0] == listed[1], "the hash of every file is in it"


def test_pretrain_says_what_it_made(tmp_path: Path) -> None:
    done = run(
        "scripts.pretrain",
        TINY,
        "--runs",
        tmp_path,
        "--name",
        "x",
        "--pretrain.objective.beta",
        "4",
    )
    assert "KL" in done.stdout
    card = json.loads((tmp_path / "x" / "encoder" / "config.json").read_text())
    assert card["autoencoder"]["objective"]["beta"] == 4


def test_dynamics_are_learnt_and_checked(runs: Path) -> None:
    done = run("scripts.dynamics", TINY, "--runs", runs, "--name", "tiny")
    folder = runs / "tiny" / "dynamics"
    assert f"{folder}: " in done.stdout
    assert "held-out error of running freely" in done.stdout
    assert "dreams are trusted for" in done.stdout
    assert f"all of the check: {folder}/fidelity.html" in done.stdout
    check = json.loads((folder / "fidelity.json").read_text())
    assert check["command"].startswith("python -m scripts.dynamics tests/tiny.yaml")


def test_two_processes_pretrain_what_one_does(tmp_path: Path) -> None:
    """Collection, evaluation, files and words are the first one's; the weights are the same."""
    words = [TINY, "--runs", tmp_path, "--name"]
    launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    done = run(*launcher, "scripts.pretrain", *words, "two", check=False)
    if "terminate called without an active exception" in done.stderr:  # see test_distributed.py
        done = run(*launcher, "scripts.pretrain", *words, "two", check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("held-out frames: KL") == 1
    run("scripts.pretrain", *words, "one")
    one, two = (tmp_path / name / "encoder" / "model.safetensors" for name in ("one", "two"))
    ours, theirs = load_file(two), load_file(one)
    assert ours.keys() == theirs.keys()
    for name, weights in ours.items():
        assert np.allclose(weights, theirs[name], atol=ROUNDING), name


def test_train_one_agent(runs: Path, tmp_path: Path) -> None:
    words = ["--arm", "pixels", "--seed", "5", "--runs", tmp_path, "--name", "x"]
    folder = Path(run("scripts.train", TINY, *words).stdout.strip().splitlines()[-1])
    result = json.loads((folder / "result.json").read_text())
    assert (result["arm"], result["seed"]) == ("pixels", 5)
    assert result["command"].startswith("python -m scripts.train tests/tiny.yaml --arm pixels")
    assert not (tmp_path / "x" / "rollouts").exists(), "pixels need no rollouts"


def test_a_crashed_arm_leaves_a_hole_and_does_not_stop_the_others(tmp_path: Path) -> None:
    words = [TINY, "--runs", tmp_path, "--name", "x", "--compare.seeds", "[0]"]
    blocked = tmp_path / "x" / "agents" / "untrained" / "seed_0"
    blocked.mkdir(parents=True)
    (blocked / "card.json").write_text("{}")
    done = run("scripts.compare", *words, check=False)
    assert done.returncode == 1
    assert "untrained seed 0 failed" in done.stderr
    assert "card.json: damaged" in done.stderr
    assert (tmp_path / "x" / "agents" / "latent" / "seed_0" / "result.json").exists()
    assert "agents/untrained/seed_0" in (tmp_path / "x" / "report.html").read_text()


def test_killed_and_called_again_the_comparison_is_whole(tmp_path: Path) -> None:
    words = [TINY, "--runs", str(tmp_path), "--name", "x", "--compare.seeds", "[0]"]
    words += ["--agent.env_steps", "2000"]
    for made in ("rollouts/manifest.jsonl", "agents/*/*/card.json"):
        process = Command("scripts.compare", *words, alone=True)
        wait_until(lambda made=made: any(tmp_path.glob(f"x/{made}")), f"no {made} was made")
        assert process.kill().returncode == -signal.SIGKILL
    assert len(list((tmp_path / "x" / "agents").rglob("result.json"))) < 3, (
        "two are trained at once"
    )
    done = run("scripts.compare", *words)
    assert "report:" in done.stdout
    assert len(list((tmp_path / "x" / "agents").rglob("result.json"))) == 3


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["scripts.pretrain", "configs/car_racin.yaml"], "did you mean configs/car_racing.yaml"),
        (
            ["scripts.pretrain", TINY, "--pretrain.beta", "1"],
            "did you mean pretrain.objective.beta?",
        ),
        (["scripts.pretrain", TINY, "--pretrain.objective.beta", "x"], "objective.beta = 'x'"),
        (
            ["scripts.pretrain", TINY, "--pretrain.objective.beta", "-1"],
            "expected at least 0",
        ),
        (["scripts.collect", TINY, "--env.id", "CarRacin-v3"], "CarRacing"),
        (["scripts.collect", TINY, "--from", "dots"], "expected minari:ID, such as"),
        (["scripts.collect", TINY, "--from", "minari:no/such-v9"], "minari download no/such-v9"),
        (["scripts.collect", TINY, "--from", "minari:a-v0", "--to", "minari:b-v0"], "not allowed"),
        (["scripts.collect", TINY, "--author", "Ada"], "--description need --to"),
        (["scripts.train", TINY, "--arm", "latnt"], "invalid choice: 'latnt'"),
        (["scripts.train", TINY], "--arm"),
        (["scripts.collect"], "CONFIG"),
        (["scripts.collect", TINY, "stray"], "not an option"),
        (["scripts.collect", TINY, "--name", ".."], "--name = '..'"),
        (["scripts.collect", TINY, "--seed", "-1"], "--seed = -1"),
        (["scripts.train", TINY, "--arm", "latent", "--seed", "-1"], "--seed = '-1'"),
        (["scripts.collect", TINY, "--compare.seeds", "[0, 0]"], "twice"),
        (["scripts.collect", TINY, "--rollouts.policies", "{smooth: .nan}"], "finite"),
        (["scripts.evaluate", TINY, "--arm", "latent", "--backend", "bogus"], "invalid choice"),
        (["scripts.evaluate", TINY, "--arm", "latent", "--name", "nobody"], "no such folder"),
        (
            ["scripts.collect", TINY, "--inspect", "--name", "no-such-run"],
            "python -m scripts.collect",
        ),
        (["scripts.collect", TINY, "--runs", "/proc/nowhere"], "/proc/nowhere"),
        (["scripts.curves", "docs", "--out", "curves.jpg"], "--out curves.jpg: give it a name in"),
        (["scripts.explore", TINY, "--out", "docs"], "--out docs: give it a name in .html"),
        (["scripts.compare", TINY, "--workers", "0"], "--compare.workers = 0"),
        (["scripts.compare", TINY, "--executor", "rya"], "--compare.executor = 'rya'"),
    ],
)
def test_a_mistake_is_one_line_and_status_2_and_makes_nothing(
    words: list[str], expected: str, tmp_path: Path
) -> None:
    folder = ["--runs", tmp_path / "runs"] if TINY in words and "--runs" not in words else []
    done = run(*words, *folder, check=False)
    assert not (tmp_path / "runs").exists()
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert expected in done.stderr


@pytest.mark.parametrize("script", ["collect", "pretrain", "train", "compare", "gap"])
def test_help_explains_every_key(script: str) -> None:
    text = run(f"scripts.{script}", "--help").stdout
    for key in ("--env.id", "--pretrain.objective.beta", "--agent.gamma", "--compare.seeds"):
        assert key in text
    assert f"python -m scripts.{script} CONFIG" in text
