"""Normalised scores of one environment and of several, against numbers made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.report.claims import claims
from agents.report.normalised import NormalisedComparison, compare_normalised
from agents.run.load import read_run
from tests.agents.report.synthetic import state, write_run
from tests.checksums import edit
from worldvae.stats import Resampling

Scores = dict[str, list[float]]


def folder_of(
    folder: Path, scores: Scores, scale: str = "{random_score: 100, reference_score: 300}"
) -> Path:
    write_run(folder, {arm: {k: [s] for k, s in enumerate(seeds)} for arm, seeds in scores.items()})
    state(folder, f"{{envs: {{CarRacing-v3: {scale}}}}}")
    return folder


def found(*folders: Path) -> NormalisedComparison | None:
    return compare_normalised([read_run(folder) for folder in folders], Resampling.seeded(0))


def test_scores_are_put_on_the_scale_of_their_environment(tmp_path: Path) -> None:
    """100 is 0, 300 is 1: normalised 0, 0.5, 1.5; the gap counts 1.5 as 1."""
    result = found(folder_of(tmp_path, {"latent": [100.0, 200.0, 400.0]}))
    assert result is not None
    (latent,) = result.arms
    assert latent.scores == {"CarRacing-v3": {0: 0.0, 1: 0.5, 2: 1.5}}
    values = {name: estimate.value for name, estimate in latent.aggregates.items()}
    expected = {"IQM": 2 / 3, "mean": 2 / 3, "median": 2 / 3, "optimality gap": 0.5}
    assert values == pytest.approx(expected)
    assert result.pairs == ()


def test_without_a_scale_or_a_finished_agent_there_is_nothing(tmp_path: Path) -> None:
    assert found() is None
    assert found(write_run(tmp_path / "a", {"latent": {0: [1.0]}})) is None
    assert found(folder_of(tmp_path / "b", {"latent": []})) is None


def test_several_environments_are_strata(tmp_path: Path) -> None:
    """Arms differ by 0.5 in one, with an error of 0.1, and by 1.0 in the other with none:
    0.75 with half that error and 8 degrees of freedom."""
    pixels = [100.0, 120.0, 140.0, 160.0, 180.0]
    first = folder_of(
        tmp_path / "a", {"pixels": pixels, "latent": [score + 100 for score in pixels]}
    )
    second = folder_of(
        tmp_path / "b",
        {"pixels": [0.0] * 5, "latent": [2.0] * 5, "untrained": [1.0] * 5},
        "{random_score: 0, reference_score: 2}",
    )
    other = second / "agents"
    for path in other.glob("*/seed_*/result.json"):
        edit(path, lambda values: values["evaluation"].update(env_id="Other-v0"))
    state(second, "{envs: {Other-v0: {random_score: 0, reference_score: 2}}}")
    result = found(first, second)
    assert result is not None
    assert [arm.arm for arm in result.arms] == ["pixels", "latent"], "random is not in both"
    (pair,) = result.pairs
    assert (pair.first, pair.second) == ("latent", "pixels")
    assert pair.difference.value == pytest.approx(0.75)
    half = 2.3060 * 0.1 / 2
    assert (pair.difference.low, pair.difference.high) == pytest.approx(
        (0.75 - half, 0.75 + half), abs=1e-4
    )
    assert pair.probability.value == 1.0


def test_a_pair_needs_enough_seeds_in_each_environment(tmp_path: Path) -> None:
    result = found(folder_of(tmp_path, {"pixels": [1.0] * 4, "latent": [1.0] * 5}))
    assert result is not None
    assert result.pairs == ()


def test_a_claim_over_several_environments_names_seeds_and_power(tmp_path: Path) -> None:
    """Either arm has the deviation 0.158: an error of 0.1, of which about 3.25 can be seen."""
    pixels = [20.0, 40.0, 60.0, 80.0, 100.0]
    folder = folder_of(tmp_path, {"pixels": pixels, "latent": [score + 100 for score in pixels]})
    result = found(folder)
    assert result is not None
    words, _ = claims(result.pairs, "{:.2f}".format, " in each environment")
    assert words.startswith(
        "Exploratory: over n = 5 seeds in each environment latent did better than pixels, by 0.50 ("
    )
    assert words.endswith("; only differences above 0.33 could have been seen.")
