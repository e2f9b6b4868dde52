"""Several environments put together: words that claim no more than the seeds, and the files."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from agents.config.sections import CompareConfig
from agents.report.multi_env import normalised_verdict, write_several
from agents.report.normalised import compare_normalised
from agents.run.load import read_run
from agents.run.records import Run
from tests.agents.report.synthetic import write_check, write_config, write_json, write_run
from worldvae.stats import Resampling

SCALES = {"Pong": (-20.0, 0.0), "Boxing": (0.0, 50.0)}
Scores = Mapping[str, Sequence[float]]


def runs(folder: Path, **scores: Scores) -> list[Run]:
    """Arm -> score of each seed, in Pong (random -20, reference 0) and Boxing (0 and 50)."""
    made = []
    for game, arms in scores.items():
        returns = {arm: {s: [score] for s, score in enumerate(of)} for arm, of in arms.items()}
        run = write_run(folder / game, returns)
        random, reference = SCALES[game]
        scale = {"random_score": random, "reference_score": reference}
        stated = {"env": {"id": game}, "compare": {"envs": {game: scale}}}
        write_config(run, yaml.safe_dump(stated))
        for path in run.glob("agents/*/*/result.json"):
            result = yaml.safe_load(path.read_text())
            result["evaluation"]["env_id"] = game
            write_json(path, result)
        made.append(read_run(run))
    return made


def words(found: Sequence[Run]) -> str:
    return " ".join(normalised_verdict(compare_normalised(found, Resampling.seeded(0))))


def test_the_aggregate_is_that_of_normalised_scores(tmp_path: Path) -> None:
    """Pong 0, 0.5, 1, 1.5 and Boxing 0.2, 0.2, 0.6, 0.6: the middle four are 0.2, 0.5, 0.6, 0.6."""
    pong, boxing = [-20.0, -10.0, 0.0, 10.0], [10.0, 10.0, 30.0, 30.0]
    found = compare_normalised(
        runs(tmp_path, Pong={"latent": pong}, Boxing={"latent": boxing}), Resampling.seeded(0)
    )
    assert found is not None
    assert found.arms[0].aggregates["IQM"].value == pytest.approx((0.2 + 0.5 + 0.6 + 0.6) / 4)


def test_a_clear_difference_is_claimed_from_five_seeds_and_not_before(tmp_path: Path) -> None:
    pong = {"latent": [-1.0, 0.0, -2.0, 1.0, 0.5], "untrained": [-19.0, -18.0, -20.0, -19.5, -18.5]}
    boxing = {"latent": [40.0, 45.0, 50.0, 42.0, 44.0], "untrained": [1.0, 2.0, 0.0, 3.0, 1.5]}
    text = words(runs(tmp_path / "five", Pong=pong, Boxing=boxing))
    assert "latent did better than untrained, by 0.89 (0.8" in text
    assert "could have been seen" in text
    four = [{arm: of[:4] for arm, of in arms.items()} for arms in (pong, boxing)]
    text = words(runs(tmp_path / "four", Pong=four[0], Boxing=four[1]))
    assert "better" not in text
    assert "there is no claim" in text


def test_a_declared_comparison_that_lacks_an_arm_is_named(tmp_path: Path) -> None:
    declares = CompareConfig(primary=(("latent", "pixels"),))
    found = runs(tmp_path, Pong={"latent": [0.0]}, Boxing={"latent": [9.0]})
    said = normalised_verdict(compare_normalised(found, Resampling.seeded(0)), declares)
    told = "Declared before the run, and not compared: latent and pixels (no pixels here)."
    assert told in said


def test_no_difference_is_no_claim(tmp_path: Path) -> None:
    same = [-1.0, -10.0, -2.0, -15.0, -5.0]
    arms = {"latent": same, "untrained": same[::-1]}
    text = words(runs(tmp_path, Pong=arms, Boxing=arms))
    assert "does not tell latent and untrained apart" in text
    assert "better" not in text


def test_an_arm_with_a_hole_in_one_environment_is_left_out(tmp_path: Path) -> None:
    found = runs(tmp_path, Pong={"latent": [0.0], "pixels": [0.0]}, Boxing={"latent": [1.0]})
    assert "pixels" not in words(found)
    nothing = runs(tmp_path / "b", Pong={"latent": [0.0]}, Boxing={"latent": []})
    assert words(nothing).startswith("No arm has finished in every environment")
    assert write_several(tmp_path / "b", nothing).exists()


def test_what_is_written(tmp_path: Path) -> None:
    pong = {"latent": [-10.0, 0.0, -5.0], "pixels": [-20.0, -10.0, -20.0]}
    boxing = {"latent": [25.0, 25.0, 25.0], "pixels": [50.0, 50.0, 50.0]}
    page = write_several(tmp_path, runs(tmp_path, Pong=pong, Boxing=boxing))
    text = page.read_text()
    assert text.count("<svg") == 1, "profiles; probabilities need five seeds"
    assert "Pong/report.html" in text
    rows = list(csv.reader((tmp_path / "scores.csv").read_text().splitlines()))
    assert rows[0] == ["env", "arm", "seed", "normalised"]
    assert ["Pong", "latent", "0", "0.5"] in rows
    assert len(rows) == 1 + 12
    report = (tmp_path / "report.md").read_text()
    assert "| Boxing | 0 | 50 | 50 (n = 3) | 25 (n = 3) |" in report


def test_an_unfit_encoder_is_named_with_its_environment(tmp_path: Path) -> None:
    found = runs(tmp_path, Pong={"latent": [0.0]}, Boxing={"latent": [1.0]})
    finding = {"severity": "unfit", "name": "x", "found": "No latent is active.", "advice": "Y."}
    write_check(found[1].folder, "unfit", [finding])
    page = write_several(tmp_path, found).read_text()
    words = "Boxing: The encoder is unfit by its health check. No latent is active."
    assert f"Verdict</h2><p>{words}" in page
    assert f"## Verdict\n\n{words}" in (tmp_path / "report.md").read_text()
