"""The check finds what is wrong with dynamics that are wrong in one way, and clears the true ones.

The world is that of `worlds`; its dynamics are known, so nothing is trained.
"""

from __future__ import annotations

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from tests.diagnostics.fidelity.worlds import (
    TRUE,
    UNTRAINED,
    LinearDynamics,
    fidelity,
    splits,
    subject,
)
from tests.diagnostics.page.test_write import Page
from worldvae.diagnostics.clock import PartClock
from worldvae.diagnostics.fidelity.check import judge_dynamics
from worldvae.diagnostics.fidelity.page.loops import policies
from worldvae.diagnostics.splits import Splits


def names(model: LinearDynamics) -> set[str]:
    return {finding.name for finding in fidelity(model).findings}


def test_the_true_dynamics_are_trusted_to_the_last_horizon() -> None:
    found = fidelity(TRUE)
    assert found.findings == ()
    assert found.verdict == "trusted"
    assert (found.horizon, found.temperature) == (64, 1.0)
    assert found.summary() == (
        "verdict: trusted, dreams are trusted for all 64 decisions that were judged, "
        "at temperature 1"
    )


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        (LinearDynamics(push=0.0), "ignores_actions"),
        (LinearDynamics(push=2.0), "ignores_actions"),
        (LinearDynamics(knows=False), "as_untrained"),
        (LinearDynamics(growth=1.06), "drifts"),
        (LinearDynamics(growth=1.06), "unseen_codes"),
        (LinearDynamics(drift=0.14), "drifts"),
        (LinearDynamics(end_shift=1.5), "ends_too_early"),
        (LinearDynamics(end_shift=-1.0), "ends_too_late"),
        (LinearDynamics(end_shift=-8.0), "never_ends"),
        (LinearDynamics(foresees_ends=False), "ends_blind"),
        (LinearDynamics(reward_scale=2.0), "reward_off"),
        (LinearDynamics(reward_shift=0.3), "reward_off"),
        (LinearDynamics(reward_scale=0.0, reward_shift=-0.2), "reward_off"),
        (LinearDynamics(spread=0.4), "narrow"),
        (LinearDynamics(spread=2.0), "wide"),
    ],
    ids=str,
)
def test_what_is_broken_is_found(wrong: LinearDynamics, name: str) -> None:
    found = {finding.name: finding for finding in fidelity(wrong).findings}
    assert name in found, fidelity(wrong).summary()
    assert fidelity(wrong).verdict != "trusted"
    advice = found[name].advice
    assert any(key in advice for key in ("dynamics.", "dream.", "rollouts.")), advice


def test_nearer_is_said_of_what_is_clearly_nearer() -> None:
    """Intervals decide it: the two errors beside the sentence may be in the other order."""
    found = {one.name: one.found for one in fidelity(UNTRAINED).findings}["as_untrained"]
    assert "clearly nearer" in found


@pytest.mark.parametrize(
    ("wrong", "others"),
    [
        (LinearDynamics(end_shift=1.5), {"other_temperature"}),
        (LinearDynamics(foresees_ends=False), {"other_temperature"}),
        (LinearDynamics(reward_scale=2.0), set()),
        (LinearDynamics(spread=2.0), {"other_temperature"}),
        (LinearDynamics(spread=0.4), {"other_temperature"}),
    ],
    ids=str,
)
def test_what_is_not_broken_is_not_accused(wrong: LinearDynamics, others: set[str]) -> None:
    assert len(names(wrong) - others) == 1, fidelity(wrong).summary()


def test_dreams_that_ignore_actions_are_unfit_and_for_no_horizon() -> None:
    found = fidelity(LinearDynamics(push=0.0))
    assert (found.verdict, found.horizon) == ("unfit", 0)
    assert [finding.name for finding in found.findings] == ["ignores_actions"]
    assert found.codes.errors["dream"] == found.codes.errors["blind"]


def test_actions_that_do_twice_as_much_are_no_better_than_none() -> None:
    """What is then wrong with a dream is the effect of its actions, as in one that knows none."""
    found = fidelity(LinearDynamics(push=2.0))
    assert (found.verdict, found.horizon) == ("unfit", 0)


def test_dreams_under_the_actions_of_strangers_know_as_little_as_dynamics_without_actions() -> None:
    """Not less: dreams under those of one stranger would err nearly twice as much.

    After 64 decisions so many have ended that those that have not are copies of few.
    """
    strangers = fidelity(TRUE).codes.errors["blind"].value[:-1]
    without = fidelity(LinearDynamics(push=0.0)).codes.errors["dream"].value[:-1]
    assert strangers == pytest.approx(without, rel=0.12)


def test_the_weights_of_an_untrained_network_are_told_by_its_card() -> None:
    found = judge_dynamics(subject(TRUE, is_trained=False), 0, PartClock())
    assert [finding.name for finding in found.findings] == ["untrained"]


@pytest.mark.parametrize(("spread", "temperature"), [(0.4, 1.3), (2.0, 0.7)])
def test_the_temperature_mends_a_wrong_spread_as_far_as_it_goes(
    spread: float, temperature: float
) -> None:
    wrong = LinearDynamics(spread=spread)
    assert fidelity(wrong).temperature == temperature
    note = next(one for one in fidelity(wrong).findings if one.name == "other_temperature")
    assert note.advice == f"Set dream.temperature: {temperature}."


def test_a_horizon_ends_where_dreams_drift() -> None:
    found = fidelity(LinearDynamics(growth=1.06))
    drift = next(one for one in found.findings if one.name == "drifts")
    assert 0 < found.horizon < 24
    assert f"dream.horizon: {found.horizon}" in drift.advice
    assert "drift from step" in drift.found


def test_calibration_of_the_true_dynamics_is_that_of_the_truth() -> None:
    found = fidelity(TRUE)
    assert found.reward.r2 is not None
    assert found.reward.r2.value == pytest.approx(1)
    assert found.reward.slope is not None
    assert found.reward.slope.value == pytest.approx(1)
    assert found.reward.bias.value == pytest.approx(0, abs=1e-6)
    assert found.ends.expected.least < 1 < found.ends.expected.most
    assert found.ends.ratio.low is not None
    assert found.ends.ratio.high is not None
    assert found.ends.ratio.low[-1] < 1 < found.ends.ratio.high[-1]
    for ratio in found.spread.ratio.value:
        assert 0.8 < ratio < 1.25
    for level, curve in found.spread.coverage.items():
        assert all(abs(share - float(level)) < 0.12 for share in curve.value)


def test_a_reward_of_twice_the_size_is_worth_half() -> None:
    slope = fidelity(LinearDynamics(reward_scale=2.0)).reward.slope
    assert slope is not None
    assert slope.value == pytest.approx(0.5)


def test_rewards_may_be_as_large_as_they_are() -> None:
    paid = Splits(*(replace(part, rewards=20_000 * part.rewards) for part in splits()))
    model = LinearDynamics(reward_scale=20_000)
    found = judge_dynamics(subject(model, windows=paid), 0, PartClock())
    assert found.findings == ()
    assert found.reward.slope is not None
    assert found.reward.slope.value == pytest.approx(1)


def test_a_reward_that_is_no_number_is_found() -> None:
    found = {finding.name for finding in fidelity(LinearDynamics(reward_shift=nan)).findings}
    assert "reward_off" in found


def test_the_true_noise_is_the_error_of_one_step() -> None:
    """Of the mean of dreams one step ahead only the noise is unknown: 0.15 squared."""
    error = fidelity(TRUE).codes.errors["dream"]
    assert error.low is not None
    assert error.high is not None
    assert error.low[0] < 0.15**2 * 1.1
    assert error.high[0] > 0.15**2


def test_both_policies_are_judged_apart() -> None:
    found = fidelity(TRUE)
    assert set(found.policies) == {"random", "smooth"}
    episodes = [loop.episodes for loop in found.policies.values()]
    assert sum(episodes) == found.codes.episodes


def test_rewards_and_ends_are_told_for_each_policy() -> None:
    """Only smooth play is paid 1 more than the dynamics know; together these are half of it."""
    test = splits().test
    smooth = (test.policies == "smooth")[:, None]
    paid = replace(test, rewards=test.rewards + smooth.astype(np.float32))
    found = judge_dynamics(subject(TRUE, windows=splits()._replace(test=paid)), 0, PartClock())
    biases = {name: events.reward_bias.value for name, events in found.policy_events.items()}
    assert biases == {"random": pytest.approx(0, abs=1e-5), "smooth": pytest.approx(-1, abs=1e-5)}
    events = found.policy_events.values()
    assert sum(each.ends for each in events) == found.ends.ends
    assert sum(each.decisions for each in events) == found.ends.decisions
    page = Page(policies(found)).text
    assert "reward promised more" in page
    assert "-1.000" in page


def test_the_same_seed_measures_the_same() -> None:
    again = judge_dynamics(subject(TRUE), 0, PartClock())
    assert again.model_copy(update={"seconds": fidelity(TRUE).seconds}) == fidelity(TRUE)


def test_an_agent_that_goes_where_training_was_not_is_told() -> None:
    usual = splits().test
    away = replace(usual, codes=usual.codes + np.float32(6))
    for test, is_elsewhere in ((usual, False), (away, True)):
        windows = splits()._replace(test=test)
        found = judge_dynamics(subject(windows=windows, usual=usual), 0, PartClock())
        assert found.elsewhere is not None
        named = {finding.name: finding for finding in found.findings}
        assert ("elsewhere" in named) == is_elsewhere, found.summary()
        if is_elsewhere:
            assert "100 %" in named["elsewhere"].found
            assert "dream.rounds" in named["elsewhere"].advice
    assert fidelity().elsewhere is None
