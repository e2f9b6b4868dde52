"""The numbers of a comparison, and the words they allow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from agents.report.success import SuccessRule
from agents.report.summary import Summary, summarise, unequal
from agents.report.tables.arms import arms_table
from agents.report.tables.terminal import summary_table
from agents.report.verdict import verdict
from agents.run.load import read_run
from agents.run.stage_results import Cost
from tests.agents.report.synthetic import act_both_ways, state, write_run
from tests.checksums import amend
from worldvae.checksum import write_checked
from worldvae.stats import Resampling

Returns = Mapping[str, Mapping[int, Sequence[float]]]


def of(folder: Path, returns: Returns) -> Summary:
    return summarise(read_run(write_run(folder, returns)), Resampling.seeded(0))


def arm(*scores: float) -> dict[int, list[float]]:
    """Seeds 0, 1, ... whose episodes average to `scores`."""
    return {seed: [score - 5, score + 5] for seed, score in enumerate(scores)}


def test_an_arm_in_numbers(tmp_path: Path) -> None:
    """Scores 10, 20, 30, 80: the IQM drops one at either end, the sd is over 4 seeds."""
    (found,) = of(tmp_path, {"latent": arm(10, 20, 30, 80)}).arms
    assert found.iqm.value == 25.0
    assert (found.iqm.low, found.iqm.high) == pytest.approx((10, 80), abs=20)
    assert found.sd == pytest.approx(31.0913, abs=1e-4)
    assert found.trained == Cost(100_000, 1000.0)
    assert found.charged == Cost(20_000, 600.0)
    assert found.total == Cost(120_000, 1600.0)
    assert np.isnan(found.within).all()


def test_costs_of_an_arm_are_the_mean_over_its_seeds(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"latent": arm(1, 2)})
    for seed, steps in enumerate((100, 300)):
        path = folder / f"agents/latent/seed_{seed}/result.json"
        amend(path, env_steps=steps, seconds=steps / 10, dreamed_steps=10 * steps)
    (found,) = summarise(read_run(folder), Resampling.seeded(0)).arms
    assert found.trained == Cost(200, 20.0)
    assert found.dreamed == 2_000
    assert (found.parameters_trained, found.parameters_frozen) == (1_234_567, 89_000)


def test_one_seed_has_an_interval_over_episodes_only(tmp_path: Path) -> None:
    (found,) = of(tmp_path, {"latent": {0: [1.0, 2.0, 3.0]}}).arms
    assert np.isnan([found.iqm.low, found.iqm.high, found.sd]).all()
    assert found.within == (1.0, 3.0)


def test_of_one_seed_or_one_episode_nothing_is_known_of_noise(tmp_path: Path) -> None:
    both = {0: [1.0, 2.0], 1: [3.0, 5.0]}
    for name, returns, known in (
        ("both", both, True),
        ("seed", {0: [1.0, 2.0]}, False),
        ("episode", {0: [1.0], 1: [3.0]}, False),
    ):
        (found,) = of(tmp_path / name, {"latent": returns}).arms
        assert (found.noise is not None) == known, name


def test_that_interval_is_of_the_score(tmp_path: Path) -> None:
    """The seed's score is the mean of its episodes, 640; their interquartile mean would be 800."""
    (found,) = of(tmp_path, {"latent": {0: [0.0] * 2 + [800.0] * 8}}).arms
    assert found.within[0] < found.scores[0] == 640.0 < found.within[1] < 800.1


def test_pairs_need_five_seeds_of_each(tmp_path: Path) -> None:
    summary = of(tmp_path, {"pixels": arm(1, 2, 3, 4, 5), "latent": arm(1, 2, 3, 4)})
    assert summary.pairs == ()


def test_a_pair_is_stated_from_the_higher_side(tmp_path: Path) -> None:
    summary = of(tmp_path, {"pixels": arm(1, 2, 3, 4, 5), "latent": arm(11, 12, 13, 14, 15)})
    (pair,) = summary.pairs
    assert (pair.first, pair.second) == ("latent", "pixels")
    assert (pair.difference.value, pair.difference.n) == (10.0, 5)
    assert pair.difference.low == pytest.approx(10 - 2.306, abs=1e-3)
    assert pair.probability.value == 1.0
    words = " ".join(verdict(summary))
    claim = "Exploratory: over n = 5 seeds latent did better than pixels, by 10.0 (7.7 to 12.3; p <"
    assert claim in words


def test_the_verdict_says_what_five_seeds_could_have_shown(tmp_path: Path) -> None:
    """Either error is 1 / sqrt 2, with 8 degrees: about (2.306 + 0.889) x 1, by a t-test."""
    summary = of(tmp_path, {"pixels": arm(0, 1, 2, 3, 4), "latent": arm(10, 11, 12, 13, 14)})
    assert summary.pairs[0].difference.detectable == pytest.approx(3.25, abs=0.1)
    words = " ".join(verdict(summary))
    assert "; only differences above 3.3 could have been seen." in words
    assert "overstated" not in words


def test_what_is_not_told_apart_is_bounded_on_either_side(tmp_path: Path) -> None:
    """The difference is 1, its error 1: 1.86 by a one-sided t with 8 degrees, less or more 1."""
    summary = of(tmp_path, {"pixels": arm(0, 1, 2, 3, 4), "latent": arm(1, 2, 3, 4, 5)})
    words = " ".join(verdict(summary))
    assert (
        "latent is at most 0.86 worse than pixels (one-sided 95 %), and pixels at most 2.86 worse "
        "than latent;"
    ) in words


def test_declared_comparisons_come_first_and_the_others_are_exploratory(tmp_path: Path) -> None:
    low, high = arm(1, 2, 3, 4, 5), arm(11, 12, 13, 14, 15)
    folder = write_run(tmp_path, {"pixels": low, "untrained": high, "latent": low})
    state(folder, "{primary: [[pixels, latent]]}")
    summary = summarise(read_run(folder), Resampling.seeded(0))
    words = verdict(summary)
    assert words[1].startswith("Declared before the run: this run does not tell ")
    assert all(claim.startswith("Exploratory: over n = 5") for claim in words[2:4])
    assert "Of 2 exploratory pairs of equal arms, 0.1 would be told apart by chance." in words[4]
    assert "No comparison was declared" not in words[4]


def test_without_a_declaration_the_report_says_so(tmp_path: Path) -> None:
    summary = of(tmp_path, {"pixels": arm(*range(5)), "latent": arm(*range(5))})
    assert "No comparison was declared before the run (compare.primary)" in verdict(summary)[-2]


def succeed(folder: Path, rates: Mapping[str, Sequence[float]], episodes: int = 10) -> Summary:
    """Each seed succeeds in its share of the episodes, which return 1, and else 0."""
    returns = {
        name: {
            seed: [float(k < share * episodes) for k in range(episodes)]
            for seed, share in enumerate(shares)
        }
        for name, shares in rates.items()
    }
    write_run(folder, returns)
    state(folder, "{success_return: 0}")
    return summarise(read_run(folder), Resampling.seeded(0))


def test_success_is_compared_by_an_exact_test(tmp_path: Path) -> None:
    """One failed seed of five tells nothing apart; five of five do, with 2 / 252."""
    rates = {"pixels": [1, 1, 1, 1, 0], "latent": [1] * 5, "blind": [0.0] * 5}
    summary = succeed(tmp_path, rates)
    pairs = {(pair.first, pair.second): pair for pair in summary.pairs}
    assert all(pair.by_success for pair in summary.pairs)
    assert pairs["latent", "pixels"].difference.p == 1.0
    assert pairs["latent", "blind"].difference.p == 2 / 252
    words = " ".join(verdict(summary))
    assert "latent did better than blind in success rate, by 1.00 (p = 0.0079)" in words
    assert "an exact test of their success rates" in words
    assert "Welch" not in words


def test_success_that_an_environment_reports_needs_no_threshold(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"pixels": arm(*range(5)), "latent": arm(*range(5))})
    for path in folder.glob("agents/*/seed_*/result.json"):
        played = json.loads(path.read_text())["evaluation"]
        amend(path, evaluation={**played, "successes": [True, False]})
    (pair,) = summarise(read_run(folder), Resampling.seeded(0)).pairs
    assert (pair.by_success, pair.difference.value) == (True, 0.0)


def test_what_one_run_reports_of_success_holds_for_the_others(tmp_path: Path) -> None:
    silent, telling = (write_run(tmp_path / name, {"latent": arm(1)}) for name in ("a", "b"))
    path = telling / "agents/latent/seed_0/result.json"
    played = json.loads(path.read_text())["evaluation"]
    amend(path, evaluation={**played, "successes": [True, False]})
    runs = [read_run(silent), read_run(telling)]
    for rule in (SuccessRule.of(*runs), SuccessRule.of(*reversed(runs))):
        assert rule.rates(*runs[0].results, *runs[1].results) == (0.0, 0.5)


@pytest.mark.parametrize("threshold", ["", "{success_return: -1}"])
def test_an_agent_that_never_succeeds_where_success_alone_is_reported_has_failed(
    tmp_path: Path, threshold: str
) -> None:
    """Its episodes are not judged by another rule, nor are all agents by their returns."""
    folder = write_run(tmp_path, {"blind": arm(*range(5)), "latent": arm(*range(5))})
    for path in folder.glob("agents/latent/seed_*/result.json"):
        played = json.loads(path.read_text())["evaluation"]
        amend(path, evaluation={**played, "successes": [True, None]})
    if threshold:
        state(folder, threshold)
    summary = summarise(read_run(folder), Resampling.seeded(0))
    assert {one.arm: {*one.success_rates} for one in summary.arms} == {
        "latent": {0.5},
        "blind": {0},
    }
    (pair,) = summary.pairs
    assert (pair.first, pair.by_success, pair.difference.value) == ("latent", True, 0.5)


@pytest.mark.parametrize(
    ("seeds", "mean", "told"), [((0.2,), "20 %", ""), ((0.2, 0.6), "40 %", "seeds 20 % to 60 %")]
)
def test_a_single_seed_has_no_range_of_success(
    tmp_path: Path, seeds: tuple[float, ...], mean: str, told: str
) -> None:
    """A range of one number beside columns of intervals reads as a certainty."""
    table = arms_table(succeed(tmp_path, {"pixels": seeds}))
    (cell,) = dict(table.rows)["success rate, mean over seeds"]
    assert cell == (mean, told)


def test_software_that_differs_is_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"pixels": arm(0, 1), "latent": arm(0, 1)})
    first, *_ = folder.glob("agents/*/seed_*/result.json")
    assert unequal(read_run(folder).results) == []
    versions = json.loads(first.read_text())["versions"]
    amend(first, versions={**versions, "numpy": "1.0", "gymnasium": "0.1"})
    (told,) = unequal(read_run(folder).results)
    assert told.startswith("the versions of the software (")
    assert set(told[told.index("(") + 1 : -1].split(", ")) == {"numpy", "gymnasium"}


def test_tracks_and_noise_of_evaluation_stand_beside(tmp_path: Path) -> None:
    """Every seed has the episodes score - 5 and score + 5: they explain all but the seed."""
    summary = of(tmp_path, {"pixels": arm(*range(5)), "latent": arm(*range(9, 14))})
    (pair,) = summary.pairs
    assert pair.both_levels is not None
    assert pair.both_levels.value == 9.0
    noise = summary.arms[0].noise
    assert noise is not None
    assert (noise.deviation, noise.episodes_for_half) == (pytest.approx(0.0), 8)


def test_other_tracks_are_not_resampled_together(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"pixels": arm(*range(5)), "latent": arm(*range(5))})
    path = folder / "agents/pixels/seed_3/result.json"
    amend(path, evaluation={**json.loads(path.read_text())["evaluation"], "seeds": [7, 8]})
    summary = summarise(read_run(folder), Resampling.seeded(0))
    assert summary.pairs[0].both_levels is None
    assert summary.arms[0].noise is None


def test_seeds_that_share_a_number_are_no_pairs(tmp_path: Path) -> None:
    """Each seed of latent is above that of pixels, and the seeds overlap all the same."""
    pixels, latent = arm(100, 500, 300, 900, 700), arm(110, 540, 340, 980, 730)
    summary = of(tmp_path, {"pixels": pixels, "latent": latent})
    (pair,) = summary.pairs
    assert pair.difference.p > 0.8
    words = " ".join(verdict(summary))
    assert "does not tell latent and pixels apart" in words
    assert "did better" not in words


def test_what_was_told_apart_comes_first(tmp_path: Path) -> None:
    low, high = arm(1, 2, 3, 4, 5), arm(11, 12, 13, 14, 15)
    words = " ".join(verdict(of(tmp_path, {"pixels": low, "untrained": low, "latent": high})))
    told = [words.index(f"latent did better than {other}") for other in ("pixels", "untrained")]
    assert max(told) < words.index("does not tell")


def test_the_verdict_says_how_many_pairs_were_looked_at(tmp_path: Path) -> None:
    one = of(tmp_path / "1", {"pixels": arm(*range(5)), "latent": arm(*range(5))})
    assert "pairs of equal arms" not in " ".join(verdict(one))
    arms = ("pixels", "latent", "untrained", "state")
    six = of(tmp_path / "6", {name: arm(*range(5)) for name in arms})
    words = "Of 6 exploratory pairs of equal arms, 0.3 would be told apart by chance."
    assert words in " ".join(verdict(six))


def test_a_difference_below_what_could_be_seen_is_doubted(tmp_path: Path) -> None:
    """A difference of 2.5 with an error of 1: p is below 0.05, while about 3.2 would be needed."""
    summary = of(tmp_path, {"pixels": arm(0, 1, 2, 3, 4), "latent": arm(2.5, 3.5, 4.5, 5.5, 6.5)})
    (pair,) = summary.pairs
    assert pair.difference.told_apart
    words = " ".join(verdict(summary))
    assert "could have been seen, so its size is likely overstated." in words


@pytest.mark.parametrize("count", [1, 4])
def test_few_seeds_have_no_power_note(tmp_path: Path, count: int) -> None:
    summary = of(tmp_path, {"pixels": arm(*range(count)), "latent": arm(*range(count))})
    assert "could have been seen" not in " ".join(verdict(summary))


def test_either_way_to_act_has_its_score(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"latent": arm(10, 20, 30, 80), "pixels": arm(1)})
    act_both_ways(folder, gain=7.0)
    latent = summarise(read_run(folder), Resampling.seeded(0)).arms[1]
    assert latent.acting["actions sampled"] is latent.iqm
    assert latent.acting["mode of the policy"].value == 32.0


def test_a_way_to_act_that_was_not_recorded_has_no_score(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"latent": arm(10, 20)})
    assert summarise(read_run(folder), Resampling.seeded(0)).arms[0].acting == {}
    act_both_ways(folder, gain=7.0)
    amend(folder / "agents/latent/seed_1/result.json", otherwise=None)
    (found,) = summarise(read_run(folder), Resampling.seeded(0)).arms
    assert found.acting["actions sampled"].n == 2
    mode = found.acting["mode of the policy"]
    assert (mode.value, mode.n) == (17.0, 1)


def test_equal_arms_are_not_told_apart(tmp_path: Path) -> None:
    summary = of(tmp_path, {"pixels": arm(1, 9, 3, 4, 5), "latent": arm(5, 4, 3, 9, 1)})
    words = " ".join(verdict(summary))
    assert "does not tell" in words
    assert "better" not in words


@pytest.mark.parametrize("count", [1, 2, 4])
def test_few_seeds_allow_no_ranking(tmp_path: Path, count: int) -> None:
    scores = range(count)
    summary = of(
        tmp_path,
        {"pixels": arm(*scores), "latent": arm(*(900.0 + score for score in scores))},
    )
    words = " ".join(verdict(summary))
    assert f"With n = {count} " in words
    assert "No claim about which arm is preferable" in words
    assert "better" not in words
    assert "worse" not in words
    assert "100,000 env steps" in words
    assert "20,000 env steps" in words


def test_unequal_numbers_of_seeds_are_named(tmp_path: Path) -> None:
    full = arm(1, 2, 3, 4, 5)
    summary = of(tmp_path, {"pixels": full, "untrained": full, "latent": arm(1)})
    words = verdict(summary)
    assert words[0].startswith("With n = 5 (pixels), 1 (latent) and 5 (untrained) seeds")
    assert "No claim about latent can be made" in words[0]


def test_nothing_finished_is_nothing_to_compare(tmp_path: Path) -> None:
    assert verdict(of(tmp_path, {"pixels": {0: []}})) == [
        "No agent has finished yet, so there is nothing to compare."
    ]


def test_the_table_for_the_terminal(tmp_path: Path) -> None:
    summary = of(tmp_path, {"pixels": arm(100, 100), "latent": arm(300)})
    assert summary_table(summary.arms, summary.decimals).splitlines() == [
        "arm     seeds  IQM  95 % interval  env steps (charged)  minutes (charged)",
        "pixels      2  100     100 to 100          100,000 (0)         16.7 (0.0)",
        "latent      1  300    no interval     120,000 (20,000)        26.7 (10.0)",
    ]


def test_what_a_comparison_must_hold_equal_is_checked(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"pixels": arm(1), "latent": arm(1)})
    assert unequal(read_run(folder).results) == []
    path = folder / "agents/pixels/seed_0/result.json"
    result = json.loads(path.read_text())
    result["evaluation"]["seeds"][0] = 7
    write_checked(path, {**result, "env_steps": 5})
    assert unequal(read_run(folder).results) == [
        "the evaluation episodes",
        "the env steps of training",
    ]
