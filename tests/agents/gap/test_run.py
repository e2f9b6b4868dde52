"""The verdict on dreams that are known to be right, wrong, blind or too short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.config.gap import GapConfig, Script
from agents.gap.compare import most_cautious
from agents.gap.competitors import scripted_competitors
from agents.gap.gap_file import GAP, PLAYED, Agreement, Measured, TemperatureOnValidation
from agents.gap.play import play
from agents.gap.scripted import make_scripted
from tests.agents.gap.synthetic import ROLLOUTS, Fake, contest, reported
from worldvae.errors import ArtifactError


def names(report: object) -> list[str]:
    return [finding.name for finding in report.findings]  # type: ignore[attr-defined]


def test_a_dream_that_is_reality_ranks_as_it_does(tmp_path: Path) -> None:
    report = reported(Fake(), tmp_path, episodes=20)
    assert report.verdict == "ranks", report.summary()
    assert report.findings == ()
    assert report.returns.spearman.value > 0.95
    assert report.returns.absolute_error.value < 0.1 * report.returns.spread
    assert report.returns.bias.low < 0 < report.returns.bias.high
    assert report.returns.relative_regret.value < 0.02
    assert len(report.policies) == 30
    assert sum(one.collected_as is None for one in report.policies) == 15


def test_a_dream_that_pays_for_the_opposite_misleads(tmp_path: Path) -> None:
    report = reported(Fake(dreamed=(3.0, 1.0, 0.0)), tmp_path)
    assert report.verdict == "misleads"
    assert names(report)[0] == "inverted_ranking"
    assert report.returns.spearman.high < 0
    assert report.returns.relative_regret.value > 0.9, "its best is reality's worst"


def test_a_dream_that_ignores_policies_is_inconclusive(tmp_path: Path) -> None:
    wage = 1.3
    report = reported(Fake(dreamed=(wage,) * 3), tmp_path)
    assert report.verdict == "inconclusive"
    assert "unknown_ranking" in names(report)
    assert report.returns.ceiling > 0.8, "of reality, which is ranked by its own episodes"


def test_a_row_holds_the_means_of_its_own_episodes(tmp_path: Path) -> None:
    """Also where a dream pays four times as much a decision, and lasts half as many."""
    report = reported(Fake(dreamed=(0.0, 4.0, 12.0), dreamed_decisions=30), tmp_path)
    for one in report.policies:
        for found, episodes in (
            (one.real_return, one.real.returns),
            (one.dream_return, one.dream.returns),
            (one.real_length, one.real.lengths),
            (one.dream_length, one.dream.lengths),
        ):
            assert found.value == pytest.approx(np.mean(episodes))
            assert found.low <= found.value <= found.high
        gained = one.dream_return.value - one.real_return.value
        assert one.flattery.value == pytest.approx(gained)
    for what, agreement in (("returns", report.returns), ("lengths", report.lengths)):
        real = np.array([np.mean(getattr(one.real, what)) for one in report.policies])
        dream = np.array([np.mean(getattr(one.dream, what)) for one in report.policies])
        assert agreement.spread == pytest.approx(real.std())
        assert agreement.error_of_mean == pytest.approx(np.abs(real - real.mean()).mean())
        assert agreement.bias.value == pytest.approx((dream - real).mean())


def test_a_reality_that_pays_all_alike_is_inconclusive(tmp_path: Path) -> None:
    report = reported(Fake(real=(1.0,) * 3, dreamed=(1.0,) * 3), tmp_path)
    assert report.verdict == "inconclusive"
    assert names(report) == ["nothing_to_rank"]


def test_short_dreams_are_told(tmp_path: Path) -> None:
    report = reported(Fake(dreamed_decisions=20), tmp_path)
    assert report.verdict == "doubtful"
    assert {"ends_early", "belittles"} <= {*names(report)}
    early = next(finding for finding in report.findings if finding.name == "ends_early")
    assert early.found.startswith("Dreams end too early: after ")


def test_a_horizon_cuts_both_alike(tmp_path: Path) -> None:
    report = reported(Fake(horizon=30), tmp_path)
    assert {*report.policies[0].real.lengths, *report.policies[0].dream.lengths} == {30}
    assert report.policies[0].real.cut_share == report.policies[0].dream.cut_share == 1
    assert names(report) == ["cut"]


def test_the_temperature_of_the_smallest_error_is_chosen(tmp_path: Path) -> None:
    worlds = Fake(dreamed=(0.0, 2.0, 6.0))  # right at a temperature of a half
    report = reported(worlds, tmp_path, temperatures=[0.25, 0.5, 1])
    assert report.temperature == 0.5
    assert [one.temperature for one in report.temperatures] == [0.25, 0.5, 1]
    assert names(report) == ["temperature"]
    assert "Set dream.temperature: 0.5" in report.findings[0].advice
    lines = PLAYED.read(tmp_path)
    chosen_on = {line.returns for line in lines if len(line.returns) == 4}
    assert not chosen_on & {one.real.returns for one in report.policies}


def test_of_temperatures_that_are_not_told_apart_the_highest_is_chosen() -> None:
    def tried(temperature: float, error: float) -> TemperatureOnValidation:
        # A standard error of 25 on either side.
        measured = Measured(value=error, low=error - 49, high=error + 49)
        agreement = Agreement.model_construct(absolute_error=measured)
        return TemperatureOnValidation.model_construct(temperature=temperature, agreement=agreement)

    errors = {0.3: 246.0, 0.6: 96.0, 1.0: 104.0, 1.3: 137.0}
    assert most_cautious([tried(*pair) for pair in errors.items()]) == 1.0
    assert most_cautious([tried(*pair) for pair in {**errors, 1.3: 120.9}.items()]) == 1.3


def test_one_temperature_is_not_chosen(tmp_path: Path) -> None:
    report = reported(Fake(), tmp_path, temperatures=[0.5])
    assert (report.temperature, report.temperatures) == (0.5, ())


def test_nothing_is_played_twice(tmp_path: Path) -> None:
    worlds = Fake()
    first, made = reported(worlds, tmp_path), worlds.made
    lines = (tmp_path / PLAYED.name).read_bytes()
    again = reported(worlds, tmp_path)
    assert worlds.made == made
    assert (tmp_path / PLAYED.name).read_bytes() == lines
    assert again.policies == first.policies
    assert again.returns == first.returns


def test_another_dream_leaves_reality_played(tmp_path: Path) -> None:
    reported(Fake(), tmp_path)
    other = Fake(dreamed=(0.0, 0.0, 1.0))
    reported(other, tmp_path)
    assert other.made == 1
    worlds = [line.world for line in PLAYED.read(tmp_path)]
    assert (worlds.count("reality"), worlds.count("dream")) == (30, 60)


def test_a_damaged_line_is_told(tmp_path: Path) -> None:
    reported(Fake(), tmp_path)
    path = tmp_path / PLAYED.name
    path.write_text(path.read_text().replace('"world": "reality"', '"world": "realty"', 1))
    with pytest.raises(ArtifactError, match=r"played\.jsonl.*line 1"):
        reported(Fake(), tmp_path)


def test_the_file_keeps_all(tmp_path: Path) -> None:
    report = reported(Fake(), tmp_path)
    GAP.write(tmp_path, report)
    assert GAP.read(tmp_path) == report


def test_the_number_of_counted_episodes_is_fixed_before(tmp_path: Path) -> None:
    """Seven episodes in three environments: 3, 2 and 2, whichever ends first."""
    vec = Fake().dream(1.0, "test", 3)
    policy = make_scripted(Script(cycle=(1,)), Fake().action_space, np.random.default_rng(0))
    episodes = play(policy, vec, 7, seed=3)
    assert episodes.returns.tolist() == episodes.lengths.tolist(), "a point a decision"
    assert not episodes.cut.any()
    alone = Fake().dream(1.0, "test", 1)
    again = make_scripted(Script(cycle=(1,)), Fake().action_space, np.random.default_rng(0))
    first = play(again, alone, 3, seed=3)
    assert episodes.lengths[:3].tolist() == first.lengths.tolist()
    vec.close()


def test_a_script_that_is_usual_already_plays_once() -> None:
    config = GapConfig(policies=(Script(random=True), Script(held=7)))
    players = scripted_competitors(config, Fake().action_space, ROLLOUTS, {"random"}, 0)
    assert len(players) == 31
    assert [one.collected_as for one in players if one.name == "random"] == ["random"]
    assert {one.collected_as for one in players} == {"random", None}, "others were not collected"


def test_other_seeds_for_each_policy_and_part(tmp_path: Path) -> None:
    players = contest(Fake(), tmp_path)
    report = players.report()
    cut = [one.real.lengths for one in report.policies]
    assert len(set(cut)) > 25
