"""The numbers of a comparison, and the words they allow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from agents.report.summary import Summary, summarise, unequal
from agents.report.verdict import summary_table, verdict
from agents.run.load import read_run
from agents.run.stage_results import Cost
from tests.agents.report.synthetic import act_both_ways, write_run
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


def test_one_seed_has_an_interval_over_episodes_only(tmp_path: Path) -> None:
    (found,) = of(tmp_path, {"latent": {0: [1.0, 2.0, 3.0]}}).arms
    assert np.isnan([found.iqm.low, found.iqm.high, found.sd]).all()
    assert found.within == (1.0, 3.0)


def test_that_interval_is_of_the_score(tmp_path: Path) -> None:
    """The seed's score is the mean of its episodes, 640; their interquartile mean would be 800."""
    (found,) = of(tmp_path, {"latent": {0: [0.0] * 2 + [800.0] * 8}}).arms
    assert found.within[0] < found.scores[0] == 640.0 < found.within[1] < 800.1


def test_equal_cost_takes_the_charge_off_the_curve(tmp_path: Path) -> None:
    """Of 100,000 env steps latent has trained 80,000, and of 1,000 seconds 400."""
    summary = of(tmp_path, {"pixels": arm(100), "latent": arm(100)})
    assert summary.budget == Cost(100_000, 1000.0)
    pixels, latent = summary.arms
    assert (pixels.at_equal_steps, pixels.at_equal_seconds) == ({0: 100.0}, {0: 100.0})
    assert latent.at_equal_steps == {0: pytest.approx(80.0)}
    assert latent.at_equal_seconds == {0: pytest.approx(40.0)}


def test_pairs_need_five_seeds_that_both_have(tmp_path: Path) -> None:
    summary = of(tmp_path, {"pixels": arm(1, 2, 3, 4, 5), "latent": arm(1, 2, 3, 4)})
    assert summary.pairs == ()


def test_a_pair_is_stated_from_the_higher_side(tmp_path: Path) -> None:
    summary = of(tmp_path, {"pixels": arm(1, 2, 3, 4, 5), "latent": arm(11, 12, 13, 14, 15)})
    (pair,) = summary.pairs
    assert (pair.first, pair.second) == ("latent", "pixels")
    assert (pair.difference.value, pair.difference.low) == (10.0, 10.0)
    assert pair.probability.value == 1.0
    words = " ".join(verdict(summary))
    assert "Over n = 5 seeds latent did better than pixels, by 10.0 (10.0 to 10.0; p = 0.0" in words


def test_the_verdict_says_what_five_seeds_could_have_shown(tmp_path: Path) -> None:
    """Differences 1 to 5: 2.6286 by hand, see tests/stats/test_power.py; their mean is 3."""
    summary = of(tmp_path, {"pixels": arm(0, 0, 0, 0, 0), "latent": arm(1, 2, 3, 4, 5)})
    assert summary.pairs[0].detectable == pytest.approx(2.6286, abs=1e-4)
    words = " ".join(verdict(summary))
    assert "; only differences above 2.63 could have been seen." in words
    assert "overstated" not in words


def test_an_interval_alone_is_no_claim(tmp_path: Path) -> None:
    """The bootstrap of five differences leaves out 0, and the seeds overlap all the same."""
    pixels, latent = arm(100, 500, 300, 900, 700), arm(110, 540, 340, 980, 730)
    summary = of(tmp_path, {"pixels": pixels, "latent": latent})
    (pair,) = summary.pairs
    assert pair.difference.low > 0
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
    assert "Of 6 pairs of equal arms, 0.3 would be told apart by chance." in " ".join(verdict(six))


def test_a_difference_below_what_could_be_seen_is_doubted(tmp_path: Path) -> None:
    """Mean 1.6, s = 1.34: the interval excludes 0, while 2.23 would be needed."""
    summary = of(tmp_path, {"pixels": arm(0, 0, 0, 0, 0), "latent": arm(1, 1, 1, 1, 4)})
    (pair,) = summary.pairs
    assert pair.difference.told_apart
    words = " ".join(verdict(summary))
    assert "above 2.23 could have been seen, so its size is likely overstated." in words


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
    assert summary_table(summary).splitlines() == [
        "arm     seeds  IQM  95 % interval  env steps (charged)  minutes (charged)",
        "pixels      2  100     100 to 100          100,000 (0)         16.7 (0.0)",
        "latent      1  300    no interval     120,000 (20,000)        26.7 (10.0)",
    ]


def test_what_a_comparison_must_hold_equal_is_checked(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"pixels": arm(1), "latent": arm(1)})
    assert unequal(read_run(folder)) == []
    path = folder / "agents/pixels/seed_0/result.json"
    result = json.loads(path.read_text())
    result["evaluation"]["seeds"][0] = 7
    write_checked(path, {**result, "env_steps": 5})
    assert unequal(read_run(folder)) == ["the evaluation episodes", "the env steps of training"]
