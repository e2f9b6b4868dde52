"""Each finding, on reports that are made to show it, and the verdict that follows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.gap.compare import PlayedPair, agreements, policy_gap
from agents.gap.competitors import Competitor
from agents.gap.gap_file import GapReport, PlayedEpisodes, WorldName
from agents.gap.rules import find_gaps, judge

GENERATOR = np.random.default_rng(7)
SKILL = np.linspace(100, 400, 24)
"""What each of 24 policies is worth in reality."""


def episodes(world: WorldName, mean: float, length: float, cut: bool) -> PlayedEpisodes:
    noise = GENERATOR.normal(0, 8, 12)
    return PlayedEpisodes(
        key=world,
        policy="p",
        world=world,
        temperature=None,
        returns=tuple((mean + noise - noise.mean()).tolist()),
        lengths=(round(float(length)),) * 12,
        cut=(cut,) * 12,
    )


def report(
    dream: Any = SKILL,
    real_length: Any = SKILL / 4,
    dream_length: Any = SKILL / 4,
    dreamers: tuple[int, ...] = (),
    collected: int = 12,
    cut: bool = False,
    **given: Any,
) -> GapReport:
    """A report on policies of returns SKILL, of which the first `collected` were collected."""
    pairs = []
    wide = [np.broadcast_to(one, SKILL.shape) for one in (dream, real_length, dream_length)]
    for number, (real, dreamed, lasted, lasts) in enumerate(zip(SKILL, *wide, strict=True)):
        competitor = Competitor(
            name=f"policy {number}",
            whose="agent" if number in dreamers else "scripted",
            identity={},
            make=lambda world: pytest.fail(f"nobody plays in {world}"),
            collected_as="sweep" if number < collected else None,
            dreamer=number in dreamers,
        )
        played = episodes("reality", real, lasted, cut), episodes("dream", dreamed, lasts, cut)
        pairs.append(PlayedPair(competitor, *played))
    values: dict[str, Any] = {
        "env_id": "Wages-v0",
        "verdict": "inconclusive",
        "findings": (),
        "horizon": 1_000,
        "temperature": 1.0,
        "configured_temperature": 1.0,
        "temperatures": (),
        "policies": tuple(policy_gap(pair, 0) for pair in pairs),
        "skipped": (),
        **agreements(pairs, 0),
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


def test_a_scripted_policy_that_is_flattered_is_no_agent() -> None:
    dream = SKILL.copy()
    dream[23] = 1_550
    assert "flatters_agent" not in found(report(dream))


def test_a_dream_that_is_kind_to_all() -> None:
    severity, says = found(report(SKILL + 80))["flatters"]
    assert severity == "doubtful"
    assert says.startswith("The dream flatters policies by 80.0 (95 %: ")
    severity, says = found(report(SKILL - 80))["belittles"]
    assert says.startswith("The dream belittles policies by 80.0 (95 %: ")


def test_kinds_that_were_not_collected_may_be_dreamed_worse() -> None:
    dream = SKILL.copy()
    dream[12:] += np.where(np.arange(12) % 2, 90, -90)
    assert found(report(dream))["worse_on_new"][0] == "note"
    assert "worse_on_new" not in found(report(dream, collected=24)), "there is one kind"


def test_a_ranking_that_is_rough() -> None:
    rough = report(SKILL + 160 * np.sin(2.4 * np.arange(24)))
    severity, says = found(rough)["weak_ranking"]
    assert severity == "doubtful"
    assert says.startswith("The dream ranks policies only roughly: Spearman 0.5")
    assert verdict(rough) == "doubtful"


def test_episodes_that_are_cut_are_told() -> None:
    severity, says = found(report(cut=True))["cut"]
    assert severity == "note"
    assert says.startswith("Of the episodes 100 % in reality and 100 % in the dream did not end")


def test_the_gravest_comes_first() -> None:
    names = [*found(report(SKILL[::-1], dream_length=20.0, cut=True))]
    assert set(names[:2]) == {"inverted_ranking", "ends_early"}
    assert names[-1] == "cut"
