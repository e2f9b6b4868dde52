"""Every configuration in the repository is one of today's."""

from pathlib import Path

import pytest

from agents.benchmark.config import BenchmarkConfig
from agents.benchmark.table import all_rows
from agents.config.experiment import Experiment
from agents.study.cells import grid
from worldvae.checksum import check_yaml, read_checked_bytes
from worldvae.config import load_config

ROOT = Path(__file__).parents[3]
BENCHMARK = ROOT / "configs" / "benchmark.yaml"
BENCHMARKS = sorted(ROOT.glob("configs/benchmark*.yaml"))
EXPERIMENTS = [path for path in sorted(ROOT.glob("configs/**/*.yaml")) if path not in BENCHMARKS]
PUBLISHED = sorted(ROOT.glob("docs/results/**/config.yaml"))


def test_the_benchmark_is_measured_on_the_plain_vae_and_the_lean_network() -> None:
    config = load_config(BenchmarkConfig, BENCHMARK)
    assert config.pretrain.pixels.model_dump(include={"standardise", "sigma"}) == {
        "standardise": False,
        "sigma": 0.7071,
    }
    assert (config.pretrain.batch_size, config.race.batch_size) == (128, 32)
    assert (config.lean_pretrain.channels, config.lean_pretrain.first_stride) == ((16, 64), 4)
    assert config.agent_of(config.ppo_pong).arguments["batch_size"] == 1024


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_a_benchmark_measures_rows_that_there_are(path: Path) -> None:
    rows = {row.name: row.target for row in all_rows(load_config(BenchmarkConfig, path))}
    assert rows["pretraining-images"] == {"benchmark": 2.5, "benchmark_gpu": 4}[path.stem]


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_an_experiment_and_all_that_it_asks_for_can_be_read(path: Path) -> None:
    experiment = Experiment.load(path)
    assert len(experiment.tasks) == max(1, len(experiment.compare.envs))
    names = set(experiment.study.encoders)
    assert {cell.encoder for cell in grid(experiment)} == names


def test_all_of_them_were_found() -> None:
    assert len(EXPERIMENTS) >= 12
    assert len(PUBLISHED) >= 8


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: "-".join(path.parts[-3:-1]))
def test_a_published_configuration_is_whole_and_read_today(path: Path) -> None:
    check_yaml(path, "")
    assert read_checked_bytes(path, "")
    experiment = Experiment.load(path)
    assert experiment.compare.arms
