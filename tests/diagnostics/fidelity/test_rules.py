"""The rules on evidence that is changed in one respect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.diagnostics.fidelity.worlds import TRUE, fidelity
from worldvae.diagnostics.fidelity.metrics.bootstrap import HorizonCurve, Interval
from worldvae.diagnostics.fidelity.metrics.open_loop import OpenLoop
from worldvae.diagnostics.fidelity.rules.evidence import FidelityEvidence, trusted_words
from worldvae.diagnostics.fidelity.rules.findings import find, verdict_of
from worldvae.diagnostics.fidelity.rules.words import between
from worldvae.diagnostics.finding import Finding


def evidence(**given: Any) -> FidelityEvidence:
    known = {name: getattr(fidelity(TRUE), name) for name in FidelityEvidence.model_fields}
    return FidelityEvidence(**{**known, **given})


def names(found: FidelityEvidence) -> list[str]:
    return [finding.name for finding in find(found)]


def curve(value: float, count: int = 1) -> HorizonCurve:
    return HorizonCurve(value=(value,) * count, low=(value,) * count, high=(value,) * count)


def loop(dream: float, episodes: int = 20, **others: float) -> OpenLoop:
    """One horizon, at which all intervals are points."""
    return OpenLoop(
        horizons=(1,),
        windows=(50,),
        episodes=episodes,
        errors={"dream": curve(dream), **{name: curve(value) for name, value in others.items()}},
        excess={name: curve(dream - value) for name, value in others.items()},
    )


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert names(evidence()) == []
    assert verdict_of(()) == "trusted"


def test_pictures_that_are_no_nearer_than_a_standstill() -> None:
    worse = loop(0.9, copy_last=0.8, mean=1.0, reconstruction=0.25)
    (finding,) = find(evidence(pixels=worse))
    assert finding.name == "pixels_lost"
    assert "90 % of the deviation from that is lost, 25 % by the encoder alone" in finding.found


def test_a_state_that_is_no_nearer_than_the_mean() -> None:
    known = fidelity(TRUE).state
    assert known is not None
    lost = known.model_copy(update={"loop": loop(1.2, copy_last=1.5, mean=1.0, real_code=0.25)})
    (finding,) = find(evidence(state=lost))
    assert finding.name == "state_lost"
    assert "error 1.20 after 1 decision, 0.25 by real codes" in finding.found


@pytest.mark.parametrize(
    ("episodes", "livelier", "expected"), [(20, 1, ["uneven"]), (4, 1, []), (20, 3, [])]
)
def test_a_policy_on_whose_episodes_dreams_are_worse(
    episodes: int, livelier: float, expected: list[str]
) -> None:
    """Not one whose episodes nobody foresees as well, by the same share."""
    known = fidelity(TRUE).codes
    dream, copy_last, mean = (known.error_at(name, 1) for name in ("dream", "copy_last", "mean"))
    usual = {"copy_last": copy_last, "mean": mean}
    shown = {name: livelier * error for name, error in usual.items()}
    policies = {"agent": loop(3 * dream, episodes, **shown), "random": loop(dream, **usual)}
    assert names(evidence(policies=policies, horizon=1)) == expected


def test_what_is_fatal_hides_the_flaws_but_not_the_notes() -> None:
    worse = loop(0.9, copy_last=0.8, mean=1.0, reconstruction=0.25)
    found = evidence(trained=False, pixels=worse, no_state="there is no reader", state=None)
    assert names(found) == ["untrained", "no_state"]


def test_dreams_that_never_beat_everything_are_useless() -> None:
    known = fidelity(TRUE).codes
    excess = {**known.excess, "mean": curve(0.0, len(known.horizons))}
    finding, *_ = find(evidence(codes=known.model_copy(update={"excess": excess})))
    assert (finding.severity, finding.name) == ("unfit", "useless")
    assert "a standstill" in finding.found


@pytest.mark.parametrize(
    ("policies", "advised"), [(("random",), "sweep: 1"), (("random", "sweep"), "dream.rounds: 3")]
)
def test_wider_play_is_advised_where_it_was_not_collected(
    policies: tuple[str, ...], advised: str
) -> None:
    known = fidelity(TRUE).codes
    codes = known.model_copy(
        update={"excess": {**known.excess, "mean": curve(0.0, len(known.horizons))}}
    )
    useless, *_ = find(evidence(codes=codes, policies=dict.fromkeys(policies, codes)))
    assert advised in useless.advice


def test_actions_that_change_nothing_are_no_fault_of_dreams() -> None:
    """Neither a linear map nor dreams gain by knowing them."""
    known = fidelity(TRUE)
    gain = Interval(value=0.001, low=-0.01, high=0.01)
    excess = {**known.codes.excess, "blind": curve(0.0, len(known.codes.horizons))}
    found = evidence(
        reference=known.reference.model_copy(update={"action_gain": gain}),
        codes=known.codes.model_copy(update={"excess": excess}),
    )
    assert names(found) == ["idle_actions"]
    assert verdict_of(find(found)) == "trusted"


@pytest.mark.parametrize(
    ("episodes", "verdict"), [(1, "doubtful"), (2, "doubtful"), (3, "trusted")]
)
def test_few_episodes_are_said(episodes: int, verdict: str) -> None:
    codes = fidelity(TRUE).codes.model_copy(update={"episodes": episodes})
    found = find(evidence(codes=codes))
    assert [finding.name for finding in found] == ["few_episodes"]
    assert verdict_of(found) == verdict


def test_rewards_that_a_linear_map_predicts_better() -> None:
    known = fidelity(TRUE)
    reward = known.reward.model_copy(update={"r2": Interval(value=0.5, low=0.4, high=0.6)})
    (finding,) = find(evidence(reward=reward))
    assert finding.name == "reward_off"
    assert "explain 0.50 (0.40 to 0.60)" in finding.found
    modest = known.reference.model_copy(update={"reward_r2": 0.65})
    assert names(evidence(reward=reward, reference=modest)) == []


def test_rewards_that_nothing_foresees_are_no_ground_for_trust() -> None:
    """They come in the last step alone, say, and no frame shows how late it is."""
    known = fidelity(TRUE)
    reward = known.reward.model_copy(update={"r2": Interval(value=-0.02, low=-0.19, high=0.04)})
    reference = known.reference.model_copy(update={"reward_r2": -0.02})
    found = find(evidence(reward=reward, reference=reference))
    assert [one.name for one in found] == ["reward_unforeseen"]
    assert (
        "explain -0.020 (-0.190 to 0.040) of their variance, a linear map -0.02" in found[0].found
    )
    assert verdict_of(found) == "doubtful"
    perhaps = reward.model_copy(update={"r2": Interval(value=0.05, low=-0.19, high=0.3)})
    found = find(evidence(reward=perhaps, reference=reference))
    assert [one.name for one in found] == ["reward_unproven"]
    assert verdict_of(found) == "trusted"
    surely = reward.model_copy(update={"r2": Interval(value=0.05, low=0.01, high=0.09)})
    assert names(evidence(reward=surely, reference=reference)) == []


def test_rewards_that_held_out_episodes_do_not_show_are_said_to_be_unjudged() -> None:
    known = fidelity(TRUE)
    reward = known.reward.model_copy(update={"r2": None, "slope": None, "mean": -1.0})
    reference = known.reference.model_copy(update={"reward_deviation": 10.0})
    (note,) = find(evidence(reward=reward, reference=reference))
    assert (note.severity, note.name) == ("note", "rewards_alike")
    assert note.found.startswith("All held-out decisions pay -1, those of training do not")
    constant = known.reference.model_copy(update={"reward_deviation": 0.0})
    assert names(evidence(reward=reward, reference=constant)) == []


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "none ended by themselves"), (1, "1 ended by itself"), (9, "9 ended by"), (10, "")],
)
def test_few_ends_are_said(count: int, words: str) -> None:
    ends = fidelity(TRUE).ends.model_copy(update={"ends": count})
    found = find(evidence(ends=ends))
    assert [one.name for one in found] == (["few_ends"] if words else [])
    assert words in "".join(one.found for one in found)
    assert verdict_of(found) == "trusted"


@pytest.mark.parametrize("limit", [None, 50])
def test_ends_at_a_limit_of_steps_are_to_be_truncated(limit: int | None) -> None:
    """No weight of ends, and no more frames, foretell what no frame shows."""
    known = fidelity(TRUE)
    blind = known.ends.model_copy(update={"skill": Interval(value=-0.1, low=-0.2, high=-0.05)})
    reference = known.reference.model_copy(update={"end_skill": 0.1})
    (found,) = find(evidence(ends=blind, reference=reference, ending_limit=limit))
    assert found.name == "ends_blind"
    assert ("terminated after 50 decisions and none is longer" in found.advice) == (limit == 50)
    assert ("dynamics.end_weight" in found.advice) == (limit is None)


@pytest.mark.parametrize(("places", "is_found"), [((4, 5, 10), False), ((2,), True), ((11,), True)])
def test_sums_of_rewards_are_judged_at_two_horizons(
    places: tuple[int, ...], is_found: bool
) -> None:
    """Of ten horizons one is off by chance now and then."""
    reward = fidelity(TRUE).reward
    excess = [99.0 * (place in places) for place in range(len(reward.horizons))]
    off = HorizonCurve(value=tuple(excess), low=tuple(excess), high=tuple(excess))
    found = evidence(reward=reward.model_copy(update={"excess": off}), horizon=64)
    assert ("reward_off" in names(found)) == is_found


@pytest.mark.parametrize(
    ("horizon", "verdict", "words"),
    [
        (1, "trusted", "dreams are trusted for 1 decision of 64,"),
        (0, "doubtful", "dreams are trusted for no decision ("),
        (4, "unfit", "dreams are trusted for no decision, though their codes would be for 4 dec"),
    ],
)
def test_the_horizon_is_said_in_words(horizon: int, verdict: str, words: str) -> None:
    found = fidelity(TRUE).model_copy(update={"horizon": horizon, "verdict": verdict})
    assert trusted_words(found).startswith(words)


@pytest.mark.parametrize(
    ("ratio", "excess", "expected"),
    [(3.0, 0.02, ["wide"]), (3.0, 0.005, []), (0.3, -0.02, ["narrow"]), (0.3, -0.005, [])],
)
def test_a_wrong_spread_that_is_too_small_to_matter(
    ratio: float, excess: float, expected: list[str]
) -> None:
    known = fidelity(TRUE).spread
    count = len(known.horizons)
    update = {"ratio": curve(ratio, count), "excess": (excess,) * count}
    assert names(evidence(spread=known.model_copy(update=update))) == expected


def test_doubts_of_the_encoder_are_a_note_with_the_first_of_them() -> None:
    doubt = Finding(severity="doubtful", name="lost", found="The goal is lost.", advice="Mend it.")
    (note,) = find(evidence(encoder_doubts=(doubt,)))
    assert (note.severity, note.name) == ("note", "encoder_in_doubt")
    assert note.found == "The encoder's own check says: The goal is lost."
    assert "no dynamics can foresee" in note.advice
    (note,) = find(evidence(encoder_doubts=(doubt, doubt)))
    assert note.found.endswith("The goal is lost. Findings beside it: 1.")


def test_a_small_value_is_not_written_as_if_it_were_on_its_bound() -> None:
    assert between(Interval(value=0.0223, low=0.0187, high=0.4457)) == "0.022 (0.019 to 0.446)"
    assert between(Interval(value=0.5, low=0.0187, high=1.2)) == "0.50 (0.02 to 1.20)"
    assert between(Interval(value=0.0, low=None, high=None)) == "0.00"
