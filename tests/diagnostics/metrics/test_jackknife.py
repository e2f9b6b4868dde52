"""Intervals over test episodes, by hand and by simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import f1_score, r2_score

from tests.diagnostics.synthetic import evidence
from worldvae.diagnostics.examination import Sample
from worldvae.diagnostics.metrics.jackknife import groups_without_each, interval
from worldvae.diagnostics.metrics.probes import ProbeScore, VariableReading
from worldvae.diagnostics.metrics.state import Probes, probe_state
from worldvae.diagnostics.rules.findings import find
from worldvae.diagnostics.splits import Splits
from worldvae.envs import StateVariable

RUNS = 60


def reading(
    truth: list[float], guess: list[float], kind: Any = "r2", group: str = "g"
) -> VariableReading:
    return VariableReading(
        ProbeScore(f"{group}.x", group, 0.0, kind, None), np.array(truth), np.array(guess)
    )


def test_the_interval_of_a_mean_is_students() -> None:
    values = np.array([1.0, 2.0, 4.0, 8.0, 9.0, 3.0])
    without = [np.delete(values, i).mean() for i in range(6)]
    found = interval(np.array([values.mean(), *without]))
    low, high = stats.t.interval(0.95, 5, values.mean(), stats.sem(values))
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((values.mean(), low, high))


def test_of_four_episodes_there_is_none() -> None:
    assert interval(np.arange(5.0)) is None
    assert interval(np.arange(6.0)) is not None


def test_scores_below_0_count_as_0() -> None:
    """As probes count them: a guess far off is no less than none."""
    wrong = reading([1.0, 2.0, 3.0, 4.0], [9.0, -9.0, 9.0, -9.0])
    assert groups_without_each([wrong], np.array([1, 1, 2, 2]))["g"].tolist() == [0, 0, 0]


def test_scores_are_those_of_scikit_learn_on_the_other_episodes() -> None:
    draws = np.random.default_rng(0)
    owners = np.array([7, 7, 7, 2, 2, 2, 2, 5, 5, 5])
    truth, labels = draws.normal(size=10), draws.integers(0, 3, 10)
    guess, said = truth + 0.3 * draws.normal(size=10), draws.integers(0, 4, 10)
    number = reading([*truth[:-1], np.nan], list(guess))
    kind = VariableReading(
        ProbeScore("k.x", "k", 0.0, "f1", 3), np.append(labels[:-1], -1), said.astype(np.int64)
    )
    found = groups_without_each([number, kind], owners)
    for place, episode in enumerate([None, 2, 5, 7]):
        rows = (owners != episode) & (np.arange(10) < 9)
        expected = max(0.0, r2_score(truth[rows], guess[rows]))
        assert found["g"][place] == pytest.approx(expected)
        f1 = f1_score(labels[rows], said[rows], average="weighted", zero_division=0.0)
        assert found["k"][place] == pytest.approx(f1)


def test_where_nothing_is_left_to_vary_the_score_is_0() -> None:
    """Two variables of a group: without episode 1 the second one is constant."""
    owners = np.array([0, 0, 1, 1])
    told, flat = [0.0, 1.0, 0.0, 1.0], [5.0, 5.0, 0.0, 9.0]
    found = groups_without_each([reading(told, told), reading(flat, flat)], owners)
    assert found["g"].tolist() == pytest.approx([1.0, 1.0, 0.5])


def probed(seed: int, episodes: int, frames: int, latents_tell: float = 0.45) -> Probes:
    """Probes of latents whose noise is given, beside pixels and an untrained code with 0.45."""
    draws = np.random.default_rng(seed)

    def part(episodes: int, frames: int) -> Sample:
        owners = np.repeat(np.arange(episodes), frames)
        state = draws.standard_normal((len(owners), 1))
        noise = draws.standard_normal((4, len(owners), 1))
        drift = draws.standard_normal((4, episodes, 1))[:, owners]  # an episode's own
        seen = state + np.array([latents_tell, 0.45, 0.45])[:, None, None] * (noise + drift)[:3]
        hashes = draws.integers(0, 2**63, len(owners)).astype(np.uint64)
        return Sample(seen[0], seen[1], seen[2], hashes, state, owners)

    samples = Splits(part(60, 20), part(10, 20), part(episodes, frames))
    variables = (StateVariable(name="ball.x", discrete=False),)
    found = probe_state(samples, variables, Identity(), None, 0)  # type: ignore[arg-type]
    assert found is not None
    return found


class Identity:
    def whiten(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        return codes


def fired(**given: Any) -> dict[str, float]:
    """Name -> share of runs in which a finding of that name stands."""
    runs = [find(evidence(probes=probed(seed, **given))) for seed in range(RUNS)]
    names = [finding.name for found in runs for finding in found]
    return {name: names.count(name) / RUNS for name in ("below_untrained", "variables_lost")}


@pytest.mark.parametrize(("episodes", "frames"), [(3, 20), (5, 1), (10, 1), (10, 20)])
def test_codes_that_are_equal_raise_no_alarm(episodes: int, frames: int) -> None:
    """Of points alone a quarter to a half of these runs would have."""
    assert max(fired(episodes=episodes, frames=frames).values()) <= 0.05


def test_a_code_that_tells_nothing_is_found() -> None:
    rates = fired(episodes=10, frames=20, latents_tell=9.0)
    assert min(rates.values()) >= 0.9
