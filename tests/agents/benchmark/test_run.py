"""Every row with next to no work, and what is left when one of them fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from agents.benchmark import machine
from agents.benchmark.bench import Bench
from agents.benchmark.config import BenchmarkConfig
from agents.benchmark.results import read_results
from agents.benchmark.run import SCALING, attempt, choose, run_benchmark
from agents.benchmark.scaling import encoding, pretraining
from agents.benchmark.scaling.stages import STAGES
from agents.benchmark.table import all_rows
from tests.agents.report.synthetic import write_run
from worldvae.errors import WorldvaeError
from worldvae.rollouts import RolloutConfig

NETWORK = {"latents": 4, "channels": [4, 8, 8, 8]}
CAR = {"id": "CarRacing-v3", "action_repeat": 2, "max_episode_steps": 40}
PONG = {"id": "ALE/Pong-v5", "max_episode_steps": 8, "workers": "sync"}


def tiny(folder: Path) -> BenchmarkConfig:
    """One round of everything, as little work as there can be."""
    run = write_run(folder / "compared", {"latent": {0: [900]}, "pixels": {0: [900]}})
    few = {"steps": 2, "validation_frames": 8}
    settings = {"n_steps": 8, "batch_size": 8, "n_epochs": 1}
    ppo = {"num_envs": 2, "settings": settings}
    return BenchmarkConfig.model_validate(
        {
            "folder": folder / "benchmark",
            "device": "cpu",
            "rounds": 1,
            "car_racing": CAR,
            "pong": PONG,
            "rollouts": {"frames": 100, "num_envs": 10},
            "collection": {"num_envs": 2, "frames": 100, "async_frames": 12},
            "pretrain": {**NETWORK, "batch_size": 16},
            "lean": NETWORK,
            "agent": {"net_arch": [8]},
            "images": {"images": 32},
            "race": {"error": 1, "every_images": 32, "held_out_frames": 8, "batch_size": 16},
            "memory": {"episodes": 10, "length": 9, "distinct": 2, **few},
            "processes": {"num_envs": 2, "light_steps": 3, "heavy_steps": 2},
            "encoding": {"num_envs": [2], "vector_steps": 2},
            "latent_env": {"num_envs": 2, "vector_steps": 3},
            "dynamics": {"steps": 2, "batch_size": 4},
            "dream": {
                **{"num_envs": 2, "vector_steps": 3, "network": {"memory": 8, "hidden": 8}},
                "settings": settings,
            },
            "export": {"decisions": 2},
            "ppo_pong": ppo,
            "ppo_car_racing": ppo,
            "agents_at_once": [],  # test_together.py
            "whole_job": {"runs": [run]},
            "scaling": {
                "repeats": 1,
                "num_envs": [1, 2],
                "frames": [100, 200],
                "sides": [32, 40],
                "stored": [200, 240],
                "opened": [5000, 10_000],
                "windows": [4, 8],
                "members": [1, 2],
                "windows_per_step": 2,
                "dreams": [2, 4],
                "horizons": [2, 4],
                "seeds": [1, 2],
                "episodes": [2, 4],
                "vector_steps": 10,
                "train_steps": 1,
                "batch_size": 16,
            },
        }
    )


def test_a_machine_may_have_targets_of_its_own(tmp_path: Path) -> None:
    config = tiny(tmp_path).model_copy(update={"targets": {"dynamics-steps": 5.0}})
    targets = {row.name: row.target for row in all_rows(config)}
    assert (targets["dynamics-steps"], targets["pretraining-images"]) == (5, 2.5)
    with pytest.raises(WorldvaeError, match=r"targets\.dynamic: no such row; .*dynamics-steps"):
        all_rows(config.model_copy(update={"targets": {"dynamic": 5.0}}))


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Nobody asks the machine for its load, which takes two seconds each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "busy_cores", lambda seconds: 0.0)
        yield


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[BenchmarkConfig, list[str], bool]:
    """All rows: the configuration, what was said, and whether all could be measured."""
    config, said = tiny(tmp_path_factory.mktemp("run")), list[str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretraining, "STORED_LENGTH", 20)
        patch.setattr(encoding, "FRAMES_TO_WHITEN", 100)
        patch.setattr(encoding, "RolloutConfig", partial(RolloutConfig, num_envs=2))
        _, complete = run_benchmark(config, say=said.append)
    return config, said, complete


def test_every_row_is_measured_and_written(
    measured: tuple[BenchmarkConfig, list[str], bool],
) -> None:
    config, said, complete = measured
    assert complete
    results = read_results(config.folder)
    names = [row.name for row in all_rows(config)]
    assert [row.name for row in results.rows] == names
    assert [line.partition(":")[0] for line in said] == names
    assert all(ratio > 0 for row in results.rows for ratio in row.ratios)
    table = (config.folder / "benchmark.md").read_text()
    assert all(f"| `{name}` |" in table for name in names)
    for figure in ("benchmark.png", "scaling.png"):
        assert (config.folder / figure).stat().st_size > 10_000


def test_the_rows_are_those_that_were_asked_for(
    measured: tuple[BenchmarkConfig, list[str], bool],
) -> None:
    rows = {row.name: row for row in read_results(measured[0].folder).rows}
    targets = {name: row.target for name, row in rows.items()}
    assert targets == {
        "collection-car-racing": 0.9,
        "collection-pong": 0.9,
        "collection-async": 6,
        "processes-car-racing": 0.9,
        "processes-light": 0.9,
        "pretraining-images": 2.5,
        "pretraining-error": 3,
        "pretraining-memory": pytest.approx(8.192),
        "encoder-2": 4,
        "encoder-2-by-hand": 1,
        "latent-env": 0.85,
        "dynamics-steps": None,
        "dream": 1,
        "dream-alone": 4,
        "dream-reality": None,
        "dream-ppo": None,
        "ppo-pong": 8,
        "ppo-pong-limit": 0.6,
        "ppo-car-racing": 3,
        "ppo-car-racing-limit": 0.6,
        "export": 1,
        "whole-job": None,
    }
    assert rows["dream"].their_values == (10_000,)
    memory = rows["pretraining-memory"]
    assert 0.05 < memory.our_values[0] < 4, "gigabytes of a process that imports torch"
    assert memory.their_values[0] == pytest.approx(100 * 64 * 64 * 3 / 1e9)


def test_each_stage_has_a_curve_for_each_quantity_that_makes_it_larger(
    measured: tuple[BenchmarkConfig, list[str], bool],
) -> None:
    curves = read_results(measured[0].folder).scaling
    counts = Counter(curve.stage for curve in curves)
    assert list(counts) == [*STAGES]
    assert [*counts.values()] == [3, 4, 3, 3, 2, 2, 2]
    assert all(curve.machine is not None for curve in curves)
    assert all(len(curve.x) == len(curve.y) >= 2 for curve in curves)
    assert all(cost > 0 for curve in curves for cost in curve.y)


def test_nothing_but_what_rows_work_with_is_left(
    measured: tuple[BenchmarkConfig, list[str], bool],
) -> None:
    assert not list((measured[0].folder / "work").glob("scratch-*"))


def test_only_measures_that_row_and_leaves_the_others_as_they_are(
    measured: tuple[BenchmarkConfig, list[str], bool],
) -> None:
    config = measured[0]
    killed = config.folder / "work" / "scratch-of-a-run-that-was-killed"
    killed.mkdir()
    earlier = read_results(config.folder)
    before = {row.name: row for row in earlier.rows}
    after, complete = run_benchmark(config, only=["encoder-2"], say=lambda _: None)
    assert complete
    changed = [row.name for row in after.rows if row != before[row.name]]
    assert changed == ["encoder-2"]
    assert after.scaling == earlier.scaling
    assert not killed.exists()


def test_two_benchmarks_do_not_disturb_each_other(tmp_path: Path) -> None:
    config = tiny(tmp_path)
    with Bench(config).locked(), pytest.raises(WorldvaeError, match="another benchmark is running"):
        run_benchmark(config, only=["whole-job"])


def test_a_row_that_fails_leaves_the_others_and_says_so_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tiny(tmp_path).whole_job.model_copy(update={"runs": (tmp_path / "nowhere",)})
    config = tiny(tmp_path / "tiny").model_copy(update={"whole_job": nowhere})
    results, complete = run_benchmark(config, only=["whole-job", "encoder-2"], say=lambda _: None)
    assert not complete
    assert [row.name for row in results.rows] == ["encoder-2"]
    lines = [line for line in capsys.readouterr().err.splitlines() if "could not" in line]
    assert len(lines) == 1
    assert lines[0].startswith("warning: whole-job could not be measured: no finished comparison")


def test_any_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        raise ValueError("two\nlines")

    assert attempt("x", fails) is None
    expected = "warning: x could not be measured: ValueError: two lines\n"
    assert capsys.readouterr().err == expected


def test_a_race_that_nobody_can_win_says_what_to_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny(tmp_path)
    race = config.race.model_copy(update={"error": 1e-9, "cap_seconds": 1e-3})
    hopeless = config.model_copy(update={"race": race})
    assert not run_benchmark(hopeless, only=["pretraining-error"], say=lambda _: None)[1]
    assert "raise race.error or race.cap_seconds" in capsys.readouterr().err


def test_an_unknown_name_is_answered_with_the_valid_ones() -> None:
    assert choose((), ["a", SCALING]) == {"a", SCALING}
    assert choose(["a"], ["a", SCALING]) == {"a"}
    with pytest.raises(WorldvaeError, match=r"--only b: no such row; a, scaling"):
        choose(["a", "b"], ["a", SCALING])
