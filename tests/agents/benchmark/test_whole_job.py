"""Minutes of the whole job, on runs whose every second is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from agents.benchmark.bench import Bench
from agents.benchmark.config import BenchmarkConfig, WholeJobRow
from agents.benchmark.measure import Comparison
from agents.benchmark.whole_job import whole_job
from agents.run.published import read_published
from tests.agents.report.synthetic import COLLECTION, PRETRAINING, write_run
from worldvae.errors import WorldvaeError

PUBLISHED = Path(__file__).parents[3] / "docs" / "results" / "car_racing" / "first"
CHARGED = float(COLLECTION["seconds"]) + float(PRETRAINING["seconds"])


def read(
    folder: Path, returns: Mapping[str, Mapping[int, Sequence[float]]], score: float = 50
) -> Comparison:
    """Agents are evaluated at each tenth of 1000 s, rising to their final return."""
    run = write_run(folder / "run", returns)
    settings = WholeJobRow(runs=(folder / "nowhere", run), score=score)
    return whole_job(Bench(BenchmarkConfig(whole_job=settings)))


def test_latents_are_charged_with_collection_and_pretraining(tmp_path: Path) -> None:
    found = read(tmp_path, {"latent": {0: [100]}, "pixels": {0: [200]}})
    assert found.ours[0].seconds == CHARGED + 500, "half of 100 is reached half-way"
    assert found.theirs[0].seconds == 300, "the first evaluation at 50 or more has 60"
    assert found.bound == ""
    assert "n = 1 seeds: 1 of 1 latent agents got there" in found.note


def test_an_agent_that_never_got_there_makes_it_a_bound(tmp_path: Path) -> None:
    agents = {"latent": {0: [100], 1: [40]}, "pixels": {0: [100], 1: [100]}}
    found = read(tmp_path, agents)
    assert [lap.seconds for lap in found.ours] == [CHARGED + 500, CHARGED + 1000]
    assert found.bound == "<="
    assert "1 of 2 latent agents got there, 2 of 2 pixel" in found.note


def test_only_seeds_that_both_arms_finished_are_compared(tmp_path: Path) -> None:
    agents = {"latent": {0: [100], 1: [100]}, "pixels": {0: [], 1: [100]}}
    assert len(read(tmp_path, agents).ours) == 1
    with pytest.raises(WorldvaeError, match="no seed"):
        read(tmp_path / "other", {"latent": {0: [100]}, "pixels": {0: []}})


def test_nobody_got_there(tmp_path: Path) -> None:
    with pytest.raises(WorldvaeError, match=r"stayed under whole_job\.score"):
        read(tmp_path, {"latent": {0: [1]}, "pixels": {0: [1]}})


def test_without_a_comparison_it_says_how_to_make_one() -> None:
    settings = WholeJobRow(runs=(Path("nowhere"),))
    with pytest.raises(WorldvaeError, match=r"python -m scripts.compare"):
        whole_job(Bench(BenchmarkConfig(whole_job=settings)))


def test_a_published_comparison_is_read_as_a_run() -> None:
    run = read_published(PUBLISHED)
    assert {agent.arm for agent in run.agents} == {"pixels", "latent", "untrained"}
    assert run.known_charge("latent").seconds == pytest.approx(33.088 + 297.020, abs=0.01)
    found = whole_job(Bench(BenchmarkConfig(whole_job=WholeJobRow(runs=(PUBLISHED,), score=600))))
    assert found.theirs[0].seconds == pytest.approx(731.756, abs=0.01)
    assert found.ours[0].seconds == pytest.approx(330.109 + 328.844, abs=0.01)
