"""What each arm took, against sums made by hand; what is unknown is said to be."""

from __future__ import annotations

from pathlib import Path

from agents.report.costs import ArmCosts, costs_of_arms
from agents.report.tables.costs import costs_seeds_table, costs_table
from agents.report.tables.table import NOT_RECORDED
from agents.run.load import read_run
from tests.agents.report.synthetic import record_spending, state, write_run
from tests.checksums import amend

RETURNS = {arm: {0: [1.0], 2: [1.0]} for arm in ("pixels", "latent", "untrained")}


def costs(folder: Path) -> dict[str, ArmCosts]:
    return {arm_costs.arm: arm_costs for arm_costs in costs_of_arms(read_run(folder))}


def rows(folder: Path) -> dict[str, list[str]]:
    table = costs_table(costs_of_arms(read_run(folder)))
    return {name: [value for value, _ in cells] for name, cells in table.rows}


def recorded(folder: Path) -> Path:
    write_run(folder, RETURNS)
    record_spending(folder)
    return folder


def test_each_arm_bears_its_stages_and_the_mean_is_over_seeds(tmp_path: Path) -> None:
    """Seeds 0 and 2 train 600 and 720 CPU seconds in 1 and 3 GiB, pretraining 900 in 2 GiB."""
    found = costs(recorded(tmp_path))
    cpu = {arm: arm_costs.mean.cpu_seconds for arm, arm_costs in found.items()}
    assert cpu == {"pixels": 660.0, "latent": 660.0 + 60 + 900, "untrained": 660.0 + 60}
    memory = {arm: arm_costs.mean.peak_memory for arm, arm_costs in found.items()}
    assert memory == {"pixels": 2 * 2**30, "latent": 2.5 * 2**30, "untrained": 2 * 2**30}
    assert {arm: arm_costs.mean.charged_steps for arm, arm_costs in found.items()} == {
        "pixels": 0,
        "latent": 20_000,
        "untrained": 20_000,
    }


def test_the_table_shows_minutes_by_stage(tmp_path: Path) -> None:
    shown = rows(recorded(tmp_path))
    assert shown["env steps trained"] == ["100,000"] * 3
    assert shown["minutes of collection"] == ["0.0", "2.0", "2.0"]
    assert shown["minutes of pretraining"] == ["0.0", "8.0", "0.0"]
    assert shown["minutes of training"] == ["16.7"] * 3
    assert shown["minutes of evaluation"] == ["0.5"] * 3
    assert shown["CPU minutes"] == ["11.0", "27.0", "12.0"]
    assert shown["peak memory"] == ["2.00 GiB", "2.50 GiB", "2.00 GiB"]
    assert shown["parameters trained"] == ["1,234,567"] * 3


def test_every_seed_has_a_row(tmp_path: Path) -> None:
    table = costs_seeds_table(costs_of_arms(read_run(recorded(tmp_path))))
    assert [name for name, _ in table.rows][:2] == ["pixels 0", "pixels 2"]
    assert [value for value, _ in table.rows[1][1]] == [
        "100,000",
        "16.7 min",
        "12.0 min",
        "3.00 GiB",
        "0.5 min",
    ]


def test_refitting_is_charged_like_all_else(tmp_path: Path) -> None:
    folder = recorded(tmp_path)
    refits = {"refresh_env_steps": 9_000, "refresh_seconds": 600.0, "refresh_cpu_seconds": 300.0}
    for seed in (0, 2):
        amend(folder / f"agents/latent/seed_{seed}/result.json", **refits)
    shown = rows(folder)
    assert shown["env steps charged"] == ["0", "29,000", "20,000"]
    assert shown["minutes of refitting"] == ["0.0", "10.0", "0.0"]
    assert shown["CPU minutes"] == ["11.0", "32.0", "12.0"]


def test_a_stage_that_no_arm_needed_has_no_row(tmp_path: Path) -> None:
    shown = rows(write_run(tmp_path, {"pixels": {0: [1.0]}}))
    assert not {"minutes of collection", "minutes of refitting"} & shown.keys()


def test_what_was_not_recorded_is_not_zero(tmp_path: Path) -> None:
    shown = rows(write_run(tmp_path, RETURNS))
    for name in ("CPU minutes", "peak memory", "minutes of evaluation"):
        assert shown[name] == [NOT_RECORDED] * 3
    assert shown["minutes of training"] == ["16.7"] * 3


def test_one_unknown_part_leaves_the_sum_unknown(tmp_path: Path) -> None:
    folder = recorded(tmp_path)
    amend(folder / "encoder/result.json", cpu_seconds=None)
    amend(folder / "agents/untrained/seed_2/result.json", cpu_seconds=None)
    assert rows(folder)["CPU minutes"] == ["11.0", NOT_RECORDED, NOT_RECORDED]


def test_a_stage_that_is_not_finished_is_unknown_to_those_who_need_it(tmp_path: Path) -> None:
    folder = recorded(tmp_path)
    (folder / "rollouts/result.json").unlink()
    shown = rows(folder)
    assert shown["minutes of collection"] == ["0.0", NOT_RECORDED, NOT_RECORDED]
    assert shown["env steps charged"] == ["0", NOT_RECORDED, NOT_RECORDED]


def test_trials_are_those_that_the_configuration_states(tmp_path: Path) -> None:
    folder = recorded(tmp_path)
    state(folder, "{tuning_trials: {latent: 9, pixels: 0}}")
    assert rows(folder)["tuning trials"] == ["0", "9", "not stated"]
