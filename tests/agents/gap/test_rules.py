"""Each finding, on reports that are made to show it, and the verdict that follows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.gap import wording
from agents.gap.compare import PlayedPair, agreement_fields, policy_gap
from agents.gap.competitors import Competitor
from agents.gap.gap_file import (
    GapReport,
    Measured,
    PlayedEpisodes,
    Promise,
    TemperatureOnValidation,
    WorldName,
)
from agents.gap.rules.findings import find_gaps, judge

GENERATOR = np.random.default_rng(7)
SKILL = np.linspace(100, 400, 24)
"""What each of 24 policies is worth in reality."""


ENDLESS: dict[str, Any] = {"real_length": 1_000, "dream_length": 1_000}
"""As long as the horizon."""


def episodes(
    world: WorldName, mean: float, length: float, cut: bool, deviation: float, starts: int = 12
) -> PlayedEpisodes:
    noise = GENERATOR.normal(0, deviation, 12)
    return PlayedEpisodes(
        key=world,
        policy="p",
        world=world,
        temperature=None,
        returns=tuple((mean + noise - noise.mean()).tolist()),
        lengths=(round(float(length)),) * 12,
        cut=(cut,) * 12,
        starts=tuple(np.arange(12) % starts) if world == "dream" else (),
    )


def report(
    dream: Any = SKILL,
    real_length: Any = SKILL / 4,
    dream_length: Any = SKILL / 4,
    dreamers: tuple[int, ...] = (),
    collected: int = 12,
    cut: bool = False,
    deviation: Any = 8.0,
    *,
    zero: float = 0.0,
    starts: int = 12,
    **given: Any,
) -> GapReport:
    """A report on policies of returns `zero` + SKILL; the first `collected` were collected."""
    pairs = []
    wide = [
        np.broadcast_to(one, SKILL.shape) for one in (dream, real_length, dream_length, deviation)
    ]
    for number, (real, dreamed, lasted, lasts, noise) in enumerate(
        zip(zero + SKILL, *wide, strict=True)
    ):
        competitor = Competitor(
            name=f"policy {number}",
            whose="agent" if number in dreamers else "scripted",
            identity={},
            make=lambda world: pytest.fail(f"nobody plays in {world}"),
            collected_as="sweep" if number < collected else None,
            dreamer=number in dreamers,
        )
        played = (
            episodes("reality", real, lasted, cut, noise),
            episodes("dream", dreamed, lasts, cut, noise, starts),
        )
        pairs.append(PlayedPair(competitor, *played))
    values: dict[str, Any] = {
        "env_id": "Wages-v0",
        "verdict": "inconclusive",
        "findings": (),
        "limit": None,
        "horizon": 1_000,
        "temperature": 1.0,
        "configured_temperature": 1.0,
        "temperatures": (),
        "policies": tuple(policy_gap(pair, 0) for pair in pairs),
        "skipped": (),
        **agreement_fields(pairs, 0),
        "promises": (),
        "dynamics_sha256": "0" * 64,
        "seed": 0,
        "seconds": 1.0,
        "command": "python -m scripts.gap CONFIG",
        "versions": {},
    }
    return GapReport(**{**values, **given})


def found(of: GapReport) -> dict[str, tuple[str, str]]:
    return {one.name: (one.severity, one.found) for one in find_gaps(of)}


def verdict(of: GapReport) -> str:
    return judge(of, find_gaps(of))


def test_a_true_dream_has_no_findings() -> None:
    assert found(report()) == {}
    assert verdict(report()) == "ranks"


def test_dreams_that_end_alike_whatever_the_policy_does_mislead() -> None:
    blind = report(dream_length=20.0)
    severity, says = found(blind)["ends_early"]
    assert severity == "unfit"
    assert says == (
        "Dreams end too early whatever the policy does: after 20 decisions, a policy's mean, "
        "where reality gives 25 to 100."
    )
    assert verdict(blind) == "misleads"


def test_dreams_that_end_alike_mislead_also_where_reality_ranks_nothing() -> None:
    alike = report(dream_length=20.0)
    returns = alike.returns.model_copy(update={"indifference": 0.3})
    nothing = alike.model_copy(update={"returns": returns})
    assert judge(nothing, find_gaps(alike)) == "misleads"
    assert judge(nothing, ()) == "inconclusive"


def test_dreams_that_only_end_late_are_doubtful() -> None:
    late = report(dream_length=SKILL / 2)
    severity, says = found(late)["ends_late"]
    assert severity == "doubtful"
    assert says.startswith("Dreams end too late: after 50 to 200 decisions")
    assert verdict(late) == "doubtful"


def test_an_agent_that_the_dream_flatters() -> None:
    dream = SKILL.copy()
    dream[23] = 1_550
    severity, says = found(report(dream, dreamers=(5, 23)))["flatters_agent"]
    assert severity == "doubtful"
    assert says.startswith("The dream flatters the agent that was trained in it by 1,150 (95 %: ")
    assert says.endswith("policy 23 is promised 1,550, and gets 400 in reality.")


def test_an_agent_that_may_be_flattered_more_hides_none_that_is() -> None:
    """Of two dreamers the noisier looks worse, and nothing is shown of it."""
    dream, noise = SKILL.copy(), np.full(24, 8.0)
    dream[5], dream[23], noise[5] = 1_800, 1_550, 9_000
    two = report(dream, dreamers=(5, 23), deviation=noise)
    unsure, sure = (one.flattery for one in two.dreamers)
    assert unsure.low < 0 < sure.low < sure.value < unsure.value
    assert found(two)["flatters_agent"][1].endswith(
        "policy 23 is promised 1,550, and gets 400 in reality."
    )


def test_a_scripted_policy_that_is_flattered_is_no_agent() -> None:
    dream = SKILL.copy()
    dream[23] = 1_550
    assert "flatters_agent" not in found(report(dream))


def promised(agent: str, steps: int, real: float, dream: float, half: float = 30) -> Promise:
    """An evaluation in training, `half` of the interval's width on either side."""
    more, few = dream - real, half / np.sqrt(2)
    return Promise(
        agent=agent,
        env_steps=steps,
        real=Measured(value=real, low=real - few, high=real + few),
        dream=Measured(value=dream, low=dream - few, high=dream + few),
        flattery=Measured(value=more, low=more - half, high=more + half),
        episodes=20,
    )


def test_agents_that_learned_the_faults_of_the_dream() -> None:
    promises = (
        promised("dream seed 0", 500_000, 300, 310),
        promised("dream seed 0", 8_000_000, 320, 820),
        promised("dream seed 1", 500_000, 300, 310),
        promised("dream seed 1", 8_000_000, 320, 340),
    )
    learned = report(promises=promises)
    severity, says = found(learned)["learned_faults"]
    assert severity == "doubtful"
    assert says == (
        "Agents learned the dream's faults (1 of 2): after 8,000,000 dreamed steps dream seed 0 is "
        "promised 820 where reality gives 320, 500 (95 %: 470 to 530) too much. After 500,000 it "
        "was 10.0 (95 %: -20.0 to 40.0)."
    )
    assert verdict(learned) == "doubtful"
    alone = found(report(promises=promises[1:2]))["learned_faults"][1]
    assert alone.endswith("too much.")


@pytest.mark.parametrize(
    ("last", "why"),
    [
        (promised("dream seed 0", 8, 320, 400, half=90), "episodes may show as much by chance"),
        (promised("dream seed 0", 8, 10, 60), "it is less than a fifth of the range of returns"),
    ],
)
def test_promises_that_are_kept_teach_no_faults(last: Promise, why: str) -> None:
    before = promised("dream seed 0", 4, 320, 820)
    assert "learned_faults" not in found(report(promises=(before, last))), why


@pytest.mark.parametrize("zero", [-500, -400, 0, 10_000])
def test_where_an_environment_puts_its_zero_flatters_no_agent(zero: float) -> None:
    def flattered(by: float) -> set[str]:
        dream = SKILL.copy()
        dream[23] += by
        agent = promised("dream seed 0", 8, zero + 400, zero + 400 + by)
        return {*found(report(dream + zero, dreamers=(23,), zero=zero, promises=(agent,)))}

    assert flattered(70) == {"flatters_agent", "learned_faults"}
    assert flattered(50) == set(), "it is less than a fifth of the range of returns, 300"


def test_the_number_of_frames_that_dreams_begin_from_is_told() -> None:
    few = found(report(starts=4))
    assert [*few] == ["few_starts"]
    assert few["few_starts"][1].startswith("Dreams begin from only 4 held-out first frames, all ")
    assert "few_starts" not in found(report(starts=10))


def test_a_mean_of_dreams_of_two_frames_is_less_sure() -> None:
    """Although as many dreams were played."""

    def width(starts: int) -> float:
        means = [one.dream_return for one in report(starts=starts).policies]
        return float(np.mean([mean.high - mean.low for mean in means]))

    assert width(2) > 2 * width(12)


def test_one_frame_shows_no_fault_of_what_is_promised() -> None:
    promises = (promised("dream seed 0", 8, 320, 820),)
    alone = found(report(SKILL * 6, SKILL / 4, SKILL / 2, (23,), promises=promises, starts=1))
    names = {"off", "flatters", "flatters_agent", "learned_faults", "ends_late", "few_starts"}
    assert names <= {*alone}
    assert {alone[name][0] for name in names} == {"note"}


def test_a_dream_that_is_kind_to_all() -> None:
    severity, says = found(report(SKILL + 80))["flatters"]
    assert severity == "doubtful"
    assert says.startswith("The dream flatters policies by 80.0 (95 %: ")
    severity, says = found(report(SKILL - 80))["belittles"]
    assert says.startswith("The dream belittles policies by 80.0 (95 %: ")


def test_where_a_dream_pays_too_little_rewards_are_looked_at_before_the_temperature() -> None:
    advice = {one.name: one.advice for one in find_gaps(report(SKILL - 80))}["belittles"]
    assert advice.startswith("See whether dreams foresee rewards (python -m scripts.dynamics ")
    assert "If they do, lower dream.temperature (now " in advice


@pytest.mark.parametrize(("shift", "name"), [(80, "flatters"), (-80, "belittles")])
def test_the_temperature_is_not_lowered_and_raised_at_once(shift: float, name: str) -> None:
    late = report(SKILL + shift, dream_length=SKILL / 2)
    advice = {finding.name: finding.advice for finding in find_gaps(late)}
    assert "raise dream.temperature" in advice["ends_late"]
    assert "dream.temperature" not in advice[name]
    alone = {finding.name: finding.advice for finding in find_gaps(report(SKILL + shift))}
    assert "dream.temperature" in alone[name]


def test_a_temperature_that_was_chosen_is_not_to_be_raised() -> None:
    tried = TemperatureOnValidation(temperature=1.0, agreement=report().lengths)
    late = report(dream_length=SKILL / 2, temperatures=(tried,))
    advice = {finding.name: finding.advice for finding in find_gaps(late)}
    assert "dream.temperature" not in advice["ends_late"]


def test_kinds_that_were_not_collected_may_be_dreamed_worse() -> None:
    dream = SKILL.copy()
    dream[12:] += np.where(np.arange(12) % 2, 90, -90)
    assert found(report(dream))["worse_on_new"][0] == "note"
    assert "worse_on_new" not in found(report(dream, collected=24)), "there is one kind"


def test_of_two_policies_no_ranks_are_correlated() -> None:
    """They are always in order or not."""
    assert report(collected=2).collected is None
    assert report(collected=3).collected is not None
    assert report(collected=len(SKILL) - 2).not_collected is None


def test_a_ranking_that_is_rough() -> None:
    rough = report(SKILL + 160 * np.sin(2.4 * np.arange(24)))
    severity, says = found(rough)["weak_ranking"]
    assert severity == "doubtful"
    assert says.startswith("The dream ranks policies only roughly: Spearman 0.5")
    assert verdict(rough) == "doubtful"


def test_a_ranking_that_few_episodes_leave_rough_is_no_fault_of_the_dream() -> None:
    dream = SKILL + 160 * np.sin(2.4 * np.arange(24))
    rough = report(dream)
    noisy = rough.returns.model_copy(update={"ceiling": 0.45})
    findings = find_gaps(rough.model_copy(update={"returns": noisy}))
    (weak,) = (one for one in findings if one.name == "weak_ranking")
    assert "where reality ranks itself no better, at 0.45." in weak.found
    assert weak.advice.startswith("Play more episodes (gap.episodes)")


def test_a_dream_whose_best_is_the_worst_in_reality() -> None:
    dream = SKILL.copy()
    dream[0] = 1_550
    blinded = report(dream)
    severity, says = found(blinded)["chooses_badly"]
    assert severity == "doubtful"
    assert says == (
        "The dream chooses badly: it likes policy 0 best, with 100 in reality, where policy 23 "
        "gets 400. That loses 100 % (95 %: 100 % to 100 %) of the range."
    )
    assert verdict(blinded) == "doubtful"


def test_a_dream_whose_best_lacks_most_of_the_range() -> None:
    dream = SKILL.copy()
    dream[6] = 450
    tempting = report(dream)
    assert [*found(tempting)] == ["chooses_badly"]
    assert "That loses 74 % (95 %: 7" in found(tempting)["chooses_badly"][1]
    assert verdict(tempting) == "doubtful"


def test_a_choice_that_loses_little_or_may_be_noise_is_none_to_tell_of() -> None:
    dream = SKILL.copy()
    dream[20] = 450
    assert found(report(dream)) == {}, "an eighth of the range is lost"
    dream = SKILL.copy()
    dream[6] = 402
    assert report(dream).returns.relative_regret.value > 0.7
    assert found(report(dream)) == {}, "other episodes would choose the best"


def test_equally_liked_policies_are_no_one_choice() -> None:
    dream = np.where(np.arange(24) < 12, 500.0, SKILL)
    said = found(report(dream, deviation=0.0))["chooses_badly"][1]
    assert "it likes 12 policies equally best, with 172 in reality" in said


def test_promises_that_are_stretched_are_off_and_may_still_choose() -> None:
    stretched = report(250 + 6 * (SKILL - 250))
    severity, says = found(stretched)["off"]
    assert severity == "doubtful"
    assert says.startswith("What the dream promises is off by 391 (95 %: ")
    assert says.endswith("reality's mean, promised to all of them, is off by 78.3.")
    assert [*found(stretched)] == ["off"]
    assert verdict(stretched) == "doubtful"
    assert find_gaps(stretched)[0].advice.startswith("Use it to choose between policies, and bel")


def test_promises_of_a_rough_ranking_are_not_for_choosing() -> None:
    wild = report(SKILL + 600 * np.sin(2.4 * np.arange(24)))
    advice = {one.name: one.advice for one in find_gaps(wild)}
    assert advice["off"].startswith("Believe no return")


def test_errors_of_good_dreams_are_not_off() -> None:
    """As published: 86 of a range of about 700 (TakeCover), 0.17 of one of about 1.05 (Dots)."""
    for share in (86 / 700, 0.17 / 1.05):
        error = share * np.ptp(SKILL) * np.where(np.arange(24) % 2, 1, -1)
        assert "off" not in found(report(SKILL + error))


def test_what_noise_explains_is_not_off() -> None:
    error = np.where(np.arange(24) % 2, 120, -120)
    noisy = report(SKILL + error, deviation=50 * np.sqrt(12))
    assert noisy.returns.indifference < 0.05, "reality tells policies apart"
    assert noisy.returns.absolute_error.low > noisy.returns.error_of_mean
    assert "off" not in found(noisy)


def test_episodes_that_are_cut_are_told() -> None:
    (name, (severity, says)), *others = found(report(cut=True, **ENDLESS)).items()
    assert (name, severity, others) == ("cut", "note", [])
    assert says.startswith("Of the episodes 100 % in reality and 100 % in the dream did not end")


@pytest.mark.parametrize(
    ("limit", "advice"),
    [
        (None, "Raise gap.horizon, if the environment lets episodes last longer."),
        (2_000, "Raise gap.horizon, if the environment lets episodes last longer."),
        (1_000, "It is the environment's own limit, so there is nothing to change."),
    ],
)
def test_no_longer_horizon_is_advised_than_the_environment_allows(
    limit: int | None, advice: str
) -> None:
    (cut,) = find_gaps(report(cut=True, limit=limit, **ENDLESS))
    assert cut.advice == advice


def test_reality_that_truncates_sooner_than_dreams_is_told() -> None:
    """It stops there, and is not "cut in both worlds alike"."""
    sooner = report(dream_length=1_000, cut=True)
    notes = {name: says for name, (severity, says) in found(sooner).items() if severity == "note"}
    assert notes["truncated_otherwise"].startswith(
        "Reality truncates 100 % of the episodes before 1,000 decisions"
    )
    assert notes["cut"].startswith("Of the episodes 0 % in reality and 100 % in the dream")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (99.97, "100"),
        (99.94, "99.9"),
        (9.997, "10.0"),
        (9.99, "9.99"),
        (-0.001, "-0.00100"),
        (1.234e-6, "0.00000123"),
        (-5e-17, "0.00"),
    ],
)
def test_numbers_have_the_digits_of_what_is_read(value: float, text: str) -> None:
    assert wording.number(value) == text


def test_an_interval_has_the_digits_of_its_largest_number() -> None:
    small = Measured(value=2.5e-4, low=-1e-5, high=0.00125)
    assert wording.with_interval(small) == "0.00025 (95 %: -0.00001 to 0.00125)"
    large = Measured(value=9.5, low=0.5, high=120.0)
    assert wording.with_interval(large) == "10 (95 %: 0 to 120)"


def test_ranks_of_what_is_all_equal_are_not_a_correlation_of_0() -> None:
    """Episodes that all last as long, in reality or in the dream, rank no policy."""
    equal = report(real_length=20, dream_length=20).lengths
    assert wording.ranks_alike(equal) == "n/a (in reality all are equal)"
    dreamed = report(dream_length=20).lengths
    assert wording.ranks_alike(dreamed) == "n/a (in the dream all are equal)"
    assert wording.ranks_alike(report().lengths).startswith("1.00 (95 %: ")


def test_the_gravest_comes_first() -> None:
    names = [*found(report(SKILL[::-1], dream_length=20.0, cut=True))]
    assert set(names[:2]) == {"inverted_ranking", "ends_early"}
    assert names[-1] == "truncated_otherwise"
