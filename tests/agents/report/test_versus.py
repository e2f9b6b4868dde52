"""Arms of two comparisons are told apart by the rule that the reports use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.report.versus import tell_apart
from scripts.versus import parse
from tests.agents.report.synthetic import state, write_config, write_run
from tests.checksums import edit
from worldvae.errors import ArtifactError, ConfigError
from worldvae.stats import Resampling, difference

GOOD, POOR = (np.array([10.0, 11, 12, 13, 14]) + shift for shift in (80, 0))


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    """A run whose latent agents score about 92, one whose pixel and latent agents score 12."""
    good = {seed: [score] for seed, score in enumerate(GOOD)}
    poor = {seed: [score] for seed, score in enumerate(POOR)}
    first = write_run(tmp_path / "first", {"latent": good})
    second = write_run(tmp_path / "second", {"pixels": poor, "latent": poor}, env_steps=50_000)
    return first, second


def lines(first: tuple[Path, str], second: tuple[Path, str]) -> list[str]:
    return "\n".join(tell_apart(first, second)).splitlines()


def test_the_difference_is_that_of_the_rule(runs: tuple[Path, Path]) -> None:
    first, second = runs
    found = difference(GOOD, POOR, Resampling.seeded(0))
    told = lines((first, "latent"), (second, "pixels"))
    assert told[1].split()[:4] == ["PPO", "latent", "5", "92.0"]
    assert told[2].split()[:4] == ["PPO", "pixels", "5", "12.0"]
    claim = f"did better than PPO pixels, by {found.value:.1f} ({found.low:.1f} to {found.high:.1f}"
    assert any(line.startswith("Exploratory") and claim in line for line in told)
    assert "With seeds and episodes resampled returns differ by 80.0" in "\n".join(told)
    turned = lines((second, "pixels"), (first, "latent"))
    assert any(claim in line for line in turned), "whichever is named first"


def test_a_comparison_across_runs_was_never_declared(runs: tuple[Path, Path]) -> None:
    for folder in runs:
        state(folder, "{primary: [[pixels, latent]]}")
    claims = [line for line in lines((runs[0], "latent"), (runs[1], "pixels")) if "better" in line]
    assert [claim.split(":")[0] for claim in claims] == ["Exploratory"]


def test_at_equal_steps_the_charge_of_each_run_is_off_its_curve(runs: tuple[Path, Path]) -> None:
    """Pixels were last evaluated in training at 45,000, 20,000 of which latents had collected."""
    first, second = runs
    told = lines((first, "latent"), (second, "pixels"))
    gap = GOOD.mean() * 0.25 - POOR.mean() * 0.9
    assert any(line.startswith(f"At 45,000 environment steps: {gap:.1f} (") for line in told), told


def test_episodes_are_resampled_for_both_only_where_they_are_the_same(
    runs: tuple[Path, Path],
) -> None:
    first, second = runs
    for path in second.glob("agents/*/*/result.json"):
        edit(path, lambda values: values["evaluation"].update(seeds=[2000]))
    told = "\n".join(lines((first, "latent"), (second, "pixels")))
    assert "did better" in told
    assert "episodes resampled" not in told


def test_what_is_not_equal_is_said(runs: tuple[Path, Path]) -> None:
    first, second = runs
    write_config(
        second, "env: {id: CarRacing-v3}\nagent: {learning_rate: 1.0e-3}\npretrain: {steps: 7}\n"
    )
    told = lines((first, "latent"), (second, "pixels"))
    assert "Not held equal: the env steps of training." in told
    assert "agent.learning_rate: not set | 0.001" in told
    assert not any("pretrain" in line for line in told), "pixels have no encoder"
    assert "pretrain.steps: not set | 7" in lines((first, "latent"), (second, "latent"))


def test_of_dreamers_the_dream_is_said(tmp_path: Path) -> None:
    scores = {seed: [score] for seed, score in enumerate(GOOD)}
    first, second = (write_run(tmp_path / name, {"dream": scores}) for name in ("one", "other"))
    write_config(second, "env: {id: CarRacing-v3}\ndream: {horizon: 7}\n")
    assert "dream.horizon: not set | 7" in lines((first, "dream"), (second, "dream"))


def test_one_threshold_of_success_holds_for_both(runs: tuple[Path, Path]) -> None:
    """By thresholds of their own, agents of equal returns would differ in success."""
    env = "env: {id: CarRacing-v3}"
    for folder, threshold in zip(runs, (0.5, 91), strict=True):
        write_config(folder, f"{env}\ncompare: {{success_return: {threshold}}}\n")
    told = lines((runs[0], "latent"), (runs[1], "pixels"))
    assert any("did better than PPO pixels, by 80.0 (" in line for line in told)
    assert "compare.success_return: 0.5 | 91" in told
    write_config(runs[0], f"{env}\ncompare: {{success_return: 91}}\n")
    told = lines((runs[0], "latent"), (runs[1], "pixels"))
    assert any("their difference in success rate is 0.60 (p = " in line for line in told)


def test_equal_names_are_told_apart_by_their_runs(runs: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = runs
    told = lines((first, "latent"), (second, "latent"))
    assert any("PPO latent of first did better than PPO latent of second" in line for line in told)
    (tmp_path / "other").mkdir()
    same = second.rename(tmp_path / "other/first")
    told = lines((first, "latent"), (same, "latent"))
    assert any(f"PPO latent of {first} did better" in line for line in told)


def test_few_seeds_are_no_claim(tmp_path: Path, runs: tuple[Path, Path]) -> None:
    few = write_run(tmp_path / "few", {"latent": {0: [1.0], 1: [2.0]}})
    told = lines((few, "latent"), (runs[0], "latent"))
    assert any("n = 2 seeds, too few for a claim" in line for line in told)
    assert not any("better" in line for line in told)


def test_what_is_left_out_and_not_charged_is_said(runs: tuple[Path, Path]) -> None:
    first, second = runs
    (second / "rollouts/result.json").unlink()
    result = second / "agents/latent/seed_3/result.json"
    result.write_text("{")
    log = second / "agents/latent/seed_1/evaluations.jsonl"
    log.write_text(log.read_text().replace("9", "8"))
    (second / "agents/pixels/seed_0/result.json").write_text("{")
    told = lines((first, "latent"), (second, "latent"))
    state = "not finished; what it will cost is not charged yet"
    assert told[0] == f"{second}: collection: {state}"
    assert told[1].startswith(f"{second}: agents/latent/seed_3: left out: {result}: damaged")
    assert told[2].startswith(f"{second}: left out: {log}: ")
    assert "arm" in told[3].split(), "pixels are not asked for, and need no frames collected"
    twice = lines((second, "latent"), (second, "latent"))
    assert sum(state in line for line in twice) == 1


def test_what_cannot_be_compared_is_refused(runs: tuple[Path, Path]) -> None:
    first, second = runs
    with pytest.raises(ArtifactError, match=r"no agent of the arm pixels .* \(latent has\)"):
        lines((first, "pixels"), (second, "pixels"))
    for path in second.glob("agents/pixels/*/result.json"):
        edit(path, lambda values: values["evaluation"].update(env_id="Dots-v0"))
    with pytest.raises(ConfigError, match="scored in CarRacing-v3, PPO pixels in Dots-v0"):
        lines((first, "latent"), (second, "pixels"))


@pytest.mark.parametrize("text", ["runs/a", "runs/a:colour", ":latent"])
def test_a_run_without_its_arm_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="expected RUN:ARM"):
        parse([text, "runs/b:latent"])
