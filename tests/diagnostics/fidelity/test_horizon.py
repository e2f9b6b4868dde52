"""The trusted horizon: it ends at the first loss, and validation episodes choose it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.diagnostics.fidelity.worlds import TRUE, LinearDynamics, fidelity, splits, subject
from worldvae.diagnostics.clock import PartClock
from worldvae.diagnostics.fidelity.check import judge_dynamics
from worldvae.diagnostics.fidelity.metrics.bootstrap import HorizonCurve
from worldvae.diagnostics.fidelity.metrics.horizon import HorizonJudgement
from worldvae.diagnostics.fidelity.metrics.open_loop import OpenLoop
from worldvae.diagnostics.fidelity.rules.evidence import Fidelity, trusted_words
from worldvae.diagnostics.fidelity.windows import Windows
from worldvae.diagnostics.splits import Splits

EXCESS = {"W": -0.5, "?": 0.0, "L": 0.5}
"""Won, not decided, lost -> the middle of an interval of +- 0.1; a baseline errs by 1."""


def loop(outcomes: str, **others: str) -> OpenLoop:
    """Dreams with these outcomes against untrained dynamics; they beat all else if not said."""
    against = dict.fromkeys(("copy_last", "mean", "climatology", "blind"), "W" * len(outcomes))
    against |= {"untrained": outcomes, **others}
    middles = {name: np.array([EXCESS[one] for one in found]) for name, found in against.items()}
    error = HorizonCurve(value=(1.0,) * len(outcomes), low=None, high=None)
    return OpenLoop(
        horizons=tuple(range(1, len(outcomes) + 1)),
        windows=(50,) * len(outcomes),
        episodes=20,
        errors={
            "dream": error,
            **{
                name: error.model_copy(update={"value": tuple(1 - middle)})
                for name, middle in middles.items()
            },
        },
        excess={
            name: HorizonCurve(
                value=tuple(middle), low=tuple(middle - 0.1), high=tuple(middle + 0.1)
            )
            for name, middle in middles.items()
        },
    )


@pytest.mark.parametrize(
    ("codes", "energy", "horizon", "lost"),
    [
        ("WWWW", "WWWW", 4, None),
        ("WWLW", "WWWW", 2, 3),
        ("WWWW", "WWLW", 2, 3),
        ("LWWW", "WWWW", 0, 1),
        ("?WWW", "WW?W", 4, None),
        ("???W", "WWWW", 0, None),
        ("??WWW?", "WWWWWW", 5, None),
        ("?LWW", "WWWW", 0, 2),
        ("WW??", "WWW?", 2, None),
    ],
)
def test_it_is_the_last_win_before_a_loss(
    codes: str, energy: str, horizon: int, lost: int | None
) -> None:
    judgement = HorizonJudgement(loop(codes), loop(energy), acted=True)
    assert judgement.horizon == horizon
    assert (judgement.loss.step if judgement.loss else None) == lost


@pytest.mark.parametrize(("acted", "horizon"), [(True, 0), (False, 2)])
def test_dreams_have_to_gain_by_actions_where_these_matter(acted: bool, horizon: int) -> None:
    deaf = loop("WW", blind="LL")
    assert HorizonJudgement(deaf, deaf, acted).horizon == horizon


@pytest.mark.parametrize(("least", "lost"), [(1.0, False), (0.9, True)])
def test_dreams_that_are_within_a_tenth_of_a_baseline_do_not_lose(least: float, lost: bool) -> None:
    """Their error is 1.05, and that it is larger is certain."""
    dream, mean = (HorizonCurve(value=(value,), low=None) for value in (1.05, least))
    excess = HorizonCurve(value=(1.05 - least,), low=(0.01,), high=(0.2,))
    update = {"errors": {"dream": dream, "mean": mean}, "excess": {"mean": excess}}
    assert loop("W").model_copy(update=update).loses("mean") == (lost,)


@pytest.mark.parametrize(("offset", "step"), [(0.3, 3), (0.5, 6)])
def test_dreams_that_lose_at_first_are_for_no_horizon(offset: float, step: int) -> None:
    """They are displaced by the same each time, which is soon less than what moves."""
    found = fidelity(LinearDynamics(offset=offset))
    assert (found.verdict, found.horizon, found.confirmed) == ("unfit", 0, 0)
    (finding,) = found.findings
    assert finding.name == "wrong_at_first"
    assert "after 1 decision their error is" in finding.found
    assert f"that they win after {step} decisions" in finding.found.lower()


def displaced(windows: Windows, step: int) -> Windows:
    """What really follows is elsewhere than any dynamics can know, from `step` on."""
    codes = windows.codes.copy()
    codes[:, windows.past + step :] += 3
    return replace(windows, codes=codes)


def judged(windows: Splits[Windows]) -> Fidelity:
    return judge_dynamics(subject(TRUE, windows=windows), 0, PartClock())


def test_test_episodes_do_not_choose_the_horizon_but_tell_if_they_confirm_it() -> None:
    found = judged(splits()._replace(test=displaced(splits().test, 10)))
    assert (found.horizon, found.confirmed) == (fidelity(TRUE).horizon, 8)
    (finding,) = (one for one in found.findings if one.name == "not_confirmed")
    assert finding.severity == "doubtful"
    assert "do not confirm the 64 decisions" in finding.found
    assert "after 12 decisions" in finding.found
    assert "dream.horizon: 8 at most" in finding.advice
    assert "that were judged, of which test episodes confirm 8, at" in trusted_words(found)


def test_validation_episodes_choose_the_horizon() -> None:
    found = judged(splits()._replace(validation=displaced(splits().validation, 10)))
    assert (found.horizon, found.confirmed) == (8, 64)
    nowhere = judged(splits()._replace(validation=displaced(splits().validation, 1)))
    assert (nowhere.verdict, nowhere.horizon, nowhere.confirmed) == ("unfit", 0, 64)
    assert "On validation episodes" in nowhere.findings[0].found


def test_horizons_are_those_that_both_splits_reach() -> None:
    windows = splits().validation
    valid = windows.valid.copy()
    valid[:, windows.past + 20 :] = False
    found = judged(splits()._replace(validation=replace(windows, valid=valid)))
    assert found.codes.horizons[-1] == found.horizon == 16
