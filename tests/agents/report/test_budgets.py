"""Two arms at one budget, and the areas under their curves, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.report.budgets import area_difference, areas, equal_budget
from agents.report.summary import summarise
from agents.report.tables.arms import arms_table
from agents.report.tables.pairs import budgets_table, pairs_table
from agents.run.load import curve, read_run
from agents.run.records import Run, RunArm
from tests.agents.report.synthetic import record_spending, write_run
from tests.checksums import amend
from worldvae.jsonl import read_jsonl, write_jsonl
from worldvae.stats import Resampling

ARMS = {
    name: {seed: [score] for seed in range(5)}
    for name, score in (("pixels", 100.0), ("latent", 200.0))
}
RESAMPLING = Resampling.seeded(0, resamples=50)


def spend(folder: Path) -> None:
    """Let agents take 6 CPU minutes for their 100,000 steps, and pretraining 1 + 2 minutes."""
    record_spending(folder)
    amend(folder / "encoder/result.json", cpu_seconds=120.0)
    for log in folder.glob("agents/*/seed_*/evaluations.jsonl"):
        lines = list(read_jsonl(log))
        told = [{**line, "cpu_seconds": 360.0 * line["env_steps"] / 100_000} for line in lines]
        write_jsonl(log, told)


def run_of(folder: Path) -> Run:
    return read_run(write_run(folder, ARMS))


def arms(run: Run) -> tuple[RunArm, RunArm]:
    return RunArm(run, "latent"), RunArm(run, "pixels")


def test_equal_steps_take_the_charge_off_the_curve(tmp_path: Path) -> None:
    """Pixels were last evaluated in training at 90,000: 90. Then latent has trained 70,000: 140."""
    found = equal_budget(*arms(run_of(tmp_path)), "env_steps", RESAMPLING)
    assert found is not None
    assert (found.budget, found.difference.value) == (90_000, pytest.approx(140 - 90))


def test_equal_cpu_minutes_count_pretraining(tmp_path: Path) -> None:
    """324 seconds of pixels are 90; latent has 324 - 180 = 144 for its training: 40 % of 200."""
    folder = write_run(tmp_path, ARMS)
    spend(folder)
    run = read_run(folder)
    found = equal_budget(*arms(run), "cpu_seconds", RESAMPLING)
    assert found is not None
    assert (found.budget, found.difference.value) == (324.0, pytest.approx(80 - 90))
    (row,) = budgets_table(summarise(run, RESAMPLING)).rows
    name, (steps, at_steps, minutes, at_minutes) = row
    assert (name, steps[0], at_steps[0]) == ("latent, pixels", "90,000", "50")
    assert (minutes[0], at_minutes[0]) == ("5.4", "-10")


def test_what_was_not_measured_is_not_compared(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    assert equal_budget(*arms(run), "cpu_seconds", RESAMPLING) is None


def test_a_charge_that_is_not_known_is_not_taken_for_nothing(tmp_path: Path) -> None:
    folder = write_run(tmp_path, ARMS)
    (folder / "rollouts/result.json").unlink()
    assert equal_budget(*arms(read_run(folder)), "env_steps", RESAMPLING) is None


@pytest.mark.parametrize("few", ["pixels", "latent"])
def test_few_seeds_of_either_arm_are_not_compared(tmp_path: Path, few: str) -> None:
    """Though the other arm has five."""
    run = read_run(write_run(tmp_path, {**ARMS, few: {0: [1.0], 1: [2.0]}}))
    assert equal_budget(*arms(run), "env_steps", RESAMPLING) is None
    assert area_difference(areas(run, "latent"), areas(run, "pixels"), RESAMPLING) is None


def test_an_arm_that_has_not_begun_at_that_cost_is_not_compared(tmp_path: Path) -> None:
    folder = write_run(tmp_path, ARMS)
    amend(folder / "rollouts/result.json", env_steps=85_000)
    run = read_run(folder)
    assert equal_budget(*arms(run), "env_steps", RESAMPLING) is None


def test_a_cheap_arm_leaves_the_other_pairs_alone(tmp_path: Path) -> None:
    """Blind stops at a tenth of the steps."""
    folder = write_run(tmp_path / "all", {**ARMS})
    write_run(tmp_path / "cheap", {"blind": ARMS["pixels"]}, env_steps=10_000)
    (tmp_path / "cheap/agents/blind").rename(folder / "agents/blind")
    found = equal_budget(*arms(read_run(folder)), "env_steps", RESAMPLING)
    assert found is not None
    assert found.budget == 90_000


def test_the_area_is_a_mean_score(tmp_path: Path) -> None:
    """From a tenth of the score to all of it on a straight line: 0.55 of it."""
    assert areas(run_of(tmp_path), "latent") == {seed: pytest.approx(110.0) for seed in range(5)}


def test_what_refits_collect_is_not_in_the_area(tmp_path: Path) -> None:
    """Steps for a refit at 20,000 would stretch the axis there, and the last point stand alone."""
    folder = write_run(tmp_path, {"latent": ARMS["latent"]})
    for agent in folder.glob("agents/latent/*"):
        refit(agent, 100_000, after=20_000)
    run = read_run(folder)
    assert areas(run, "latent") == {seed: pytest.approx(110.0) for seed in range(5)}
    last = run.agents[0].measured_in_training[-1]
    assert last.env_steps == 90_000 + 100_000, "that at the end is the final one"


def test_cpu_time_that_lacks_refits_is_compared_and_drawn_nowhere(tmp_path: Path) -> None:
    """Before the end, too, where no result tells of refits."""
    folder = write_run(tmp_path, {**ARMS, "pixels": {**ARMS["pixels"], 5: []}})
    spend(folder)
    run = read_run(folder)
    assert equal_budget(*arms(run), "cpu_seconds", RESAMPLING) is not None
    assert all(curve(agent, "cpu_seconds").size for agent in run.agents)
    for agent in folder.glob("agents/pixels/*"):
        refit(agent, 100_000, after=20_000)
    run = read_run(folder)
    assert equal_budget(*arms(run), "cpu_seconds", RESAMPLING) is None
    assert not any(curve(agent, "cpu_seconds").size for agent in run.of("pixels"))
    assert all(curve(agent, "seconds").size for agent in run.agents)


def refit(agent: Path, collected: int, after: int) -> None:
    """Let an agent have collected env steps for a refit after so many of training."""
    spent = {"refresh_env_steps": collected, "refresh_seconds": 600.0}
    told = [
        {**line, **(spent if line["env_steps"] >= after else {})}
        for line in read_jsonl(agent / "evaluations.jsonl")
    ]
    write_jsonl(agent / "evaluations.jsonl", told)
    if (agent / "result.json").exists():
        amend(agent / "result.json", refreshes=1, **spent)


def test_dreamed_steps_are_not_compared_with_real_ones(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {**ARMS, "dream": ARMS["latent"]})
    for agent in folder.glob("agents/dream/*"):
        let_dream(agent)
    summary = summarise(read_run(folder), RESAMPLING)
    shown = dict(pairs_table(summary).rows)
    assert shown["latent, pixels"][-1][0] == "55"
    for name in ("dream, pixels", "latent, dream"):
        assert shown[name][-1] == ("n/a", "one dreams")
    table = arms_table(summary)
    row = next(cells for name, cells in table.rows if name == "area under the curve")
    assert dict(zip(table.header[1:], row, strict=True)) == {
        "pixels": ("55", ""),
        "latent": ("110", ""),
        "dream": ("110", "over dreamed steps"),
    }


def let_dream(agent: Path) -> None:
    """Let an agent's steps have been dreamed ones."""
    told = [
        {**line, "env_steps": 0, "dreamed_steps": line["env_steps"]}
        for line in read_jsonl(agent / "evaluations.jsonl")
    ]
    write_jsonl(agent / "evaluations.jsonl", told)
    amend(agent / "result.json", env_steps=0, dreamed_steps=100_000)
