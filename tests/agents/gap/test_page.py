"""The page: whole, without a network, with every policy and what was concluded."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.gap.gap_file import GapReport, Measured, Promise
from agents.gap.page import render_gap
from tests.agents.gap.synthetic import Fake, reported
from tests.agents.gap.test_rules import report as of_skill


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> GapReport:
    folder = tmp_path_factory.mktemp("gap")
    worlds = Fake(dreamed=(0.0, 2.0, 6.0))
    return reported(worlds, folder, temperatures=[0.5, 1], episodes=3, validation_episodes=2)


def test_it_says_the_verdict_and_shows_every_policy(report: GapReport, tmp_path: Path) -> None:
    page = render_gap(report, tmp_path)
    assert page.count("<svg") == 3, "returns, lengths, temperatures"
    assert "The dream ranks policies as reality does. Spearman " in page
    assert 'class="verdict healthy"' in page
    for one in report.policies:
        assert f'<th scope="row">{one.name}</th>' in page
    assert "15 are of kinds that were not in the rollouts" in page
    assert "Set dream.temperature: 0.5 before an agent is trained." in page
    assert "0.5 (chosen)" in page
    assert "http:" not in page.replace("http://www.w3.org", "")
    assert render_gap(report, tmp_path) == page


def test_sections_without_data_are_left_out(report: GapReport, tmp_path: Path) -> None:
    page = render_gap(report.model_copy(update={"temperatures": (), "findings": ()}), tmp_path)
    assert 'id="temperature"' not in page
    assert 'id="exploitation"' not in page
    assert 'id="film"' not in page
    assert "No rule found anything amiss, and there is nothing to note." in page


def test_promises_are_drawn_for_each_agent(report: GapReport, tmp_path: Path) -> None:
    moments = [
        Promise(
            agent=f"dream seed {seed}",
            env_steps=step,
            real=Measured(value=1, low=0.5, high=1.5),
            dream=Measured(value=3, low=2, high=4),
            flattery=Measured(value=2, low=0.875, high=3.125),
            episodes=3,
        )
        for seed in (0, 1)
        for step in (100, 2_000)
    ]
    page = render_gap(report.model_copy(update={"promises": tuple(moments)}), tmp_path)
    assert page.count("<svg") == 5
    assert "dream seed 1. At last promised minus real: 2.00 (95&nbsp;%: 0.88 to 3.12)." in page
    assert '<th scope="row">dream seed 1, 2,000 dreamed steps</th>' in page
    assert page.count("0.88 to 3.12") == 2 + 4, "below each curve, and of every evaluation"


def test_agents_that_did_not_play_are_named(report: GapReport, tmp_path: Path) -> None:
    skipped = ("memory seed 1 is not finished",)
    page = render_gap(report.model_copy(update={"skipped": skipped}), tmp_path)
    assert "Not played: memory seed 1 is not finished." in page


def test_lengths_that_are_all_equal_have_no_rank_correlation(tmp_path: Path) -> None:
    """They were said to be correlated by 0.00, from 0.00 to 0.00."""
    page = render_gap(of_skill(real_length=20, dream_length=20), tmp_path)
    assert page.count("n/a<small>in reality all are equal</small>") == 2, "and with itself"
    page = render_gap(of_skill(dream_length=20), tmp_path)
    assert page.count("n/a<small>in the dream all are equal</small>") == 1


def test_returns_of_a_ten_thousandth_are_read(tmp_path: Path) -> None:
    """The page wrote all of them as 0.00."""
    fake = Fake(real=(0.0, 1e-6, 3e-6), dreamed=(0.0, 1e-6, 3e-6))
    page = render_gap(reported(fake, tmp_path, episodes=3), tmp_path)
    assert "<td>0.000181<small>0.000174 to 0.000186</small></td>" in page
    assert "the dream is off by 0.00000" in page
