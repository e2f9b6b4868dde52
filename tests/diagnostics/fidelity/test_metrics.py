"""Errors and calibrations against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.diagnostics.fidelity.worlds import splits
from worldvae.diagnostics.fidelity.dreams import DreamSamples, OneStep
from worldvae.diagnostics.fidelity.metrics.bootstrap import EpisodeBootstrap, Interval
from worldvae.diagnostics.fidelity.metrics.climatology import (
    climatology_crps,
    climatology_scores,
)
from worldvae.diagnostics.fidelity.metrics.ends import measure_ends
from worldvae.diagnostics.fidelity.metrics.open_loop import (
    compare_errors,
    crps,
    energy_score,
    judged_horizons,
    squared_error,
)
from worldvae.diagnostics.fidelity.metrics.reference import measure_reference
from worldvae.diagnostics.fidelity.metrics.reward import measure_reward
from worldvae.diagnostics.fidelity.metrics.spread import measure_spread
from worldvae.diagnostics.fidelity.metrics.temperature import (
    TemperatureScore,
    choose_temperature,
)
from worldvae.diagnostics.fidelity.metrics.unseen import measure_elsewhere, nearest_distances
from worldvae.diagnostics.fidelity.windows import Windows

GENERATOR = np.random.default_rng(0)


def test_the_squared_error_of_a_mean_does_not_depend_on_how_many_it_is_of() -> None:
    """Samples of N(0, 1) and the truth 3: the mean is wrong by 3."""
    for count in (2, 19):
        samples = GENERATOR.normal(size=(4_000, count, 1, 1))
        error = squared_error(samples, np.full((4_000, 1, 1), 3.0)).mean()
        assert error == pytest.approx(9, abs=0.25)


def test_one_sample_is_wrong_by_its_distance() -> None:
    sample, truth = np.zeros((1, 1, 1, 2)), np.array([[[3.0, 4.0]]])
    assert squared_error(sample, truth) == pytest.approx(12.5)
    assert energy_score(sample, truth) == pytest.approx(5 / np.sqrt(2))


def test_the_energy_score_of_one_number_is_its_crps() -> None:
    """Of N(0, 1) for the truth 0: 2 phi(0) - 1 / sqrt(pi) = 0.2337."""
    samples = GENERATOR.normal(size=(20_000, 19, 1, 1))
    truth = np.zeros((20_000, 1, 1))
    assert energy_score(samples, truth).mean() == pytest.approx(0.2337, abs=0.01)
    assert crps(samples, truth).mean() == pytest.approx(0.2337, abs=0.01)


def test_crps_is_the_mean_over_all_pairs() -> None:
    """For samples 0, 1, 3 and the truth 2: (2 + 1 + 1) / 3 - (1 + 3 + 2) / 3 / 2."""
    samples = np.array([3.0, 0.0, 1.0]).reshape(1, 3, 1, 1)
    assert crps(samples, np.full((1, 1, 1), 2.0)) == pytest.approx(4 / 3 - 1)


def test_draws_of_all_codes_score_as_samples_of_each_window() -> None:
    draws = GENERATOR.normal(size=(7, 3)).astype(np.float32)
    truth = GENERATOR.normal(size=(5, 2, 3)).astype(np.float32)
    samples = np.broadcast_to(draws[None, :, None], (5, 7, 2, 3))
    assert climatology_crps(draws, truth) == pytest.approx(crps(samples, truth), abs=1e-5)
    pairs = np.linalg.norm(draws[:, None] - draws[None], axis=-1).sum() / (7 * 6)
    apart = np.linalg.norm(samples - truth[:, None], axis=-1).mean(1)
    expected = (apart - pairs / 2) / np.sqrt(3)
    assert climatology_scores(draws, truth) == pytest.approx(expected, abs=1e-5)


def test_episodes_are_resampled_and_not_windows() -> None:
    """Ten windows of an episode that all err by 1, and ten of another that do not err."""
    bootstrap = EpisodeBootstrap.of(np.repeat([5, 9], 10), seed=0)
    errors = np.repeat([1.0, 0.0], 10)[:, None]
    curve = bootstrap.curve(bootstrap.mean(errors, np.ones_like(errors, bool)))
    assert (curve.value, curve.low, curve.high) == ((0.5,), (0.0,), (1.0,))


def test_one_episode_has_no_interval_and_is_judged_by_its_value() -> None:
    bootstrap = EpisodeBootstrap.of(np.zeros(3, np.int64), seed=0)
    curve = bootstrap.curve(bootstrap.mean(-np.ones((3, 1)), np.ones((3, 1), bool)))
    assert (curve.low, curve.high) == (None, None)
    assert curve.below_zero == (True,)
    assert bootstrap.interval(np.full(2_001, 2.0)).least == 2


def test_masked_windows_do_not_count() -> None:
    errors = {"dream": np.array([[1.0], [9.0]]), "mean": np.array([[2.0], [0.0]])}
    mask = np.array([[True], [False]])
    loop = compare_errors(errors, mask, (1,), EpisodeBootstrap.of(np.arange(2), 0))
    assert loop.errors["dream"].value == (1,)
    assert loop.excess["mean"].value == (-1,)
    assert loop.beats("mean") == (True,)


def test_horizons_that_few_windows_reach_are_not_judged() -> None:
    targets = np.arange(4) < np.repeat([4, 3, 1], [9, 1, 5])[:, None]
    assert judged_horizons(targets) == (1, 2, 3)


def windows(ends: list[int], lengths: list[int], horizon: int = 4) -> Windows:
    """Windows without a past, of so many decisions, terminated where `ends` is 1."""
    count = len(ends)
    steps = np.arange(horizon)
    last = np.array(lengths)[:, None] - 1
    return Windows(
        codes=np.zeros((count, horizon + 1, 1), np.float32),
        actions=np.zeros((count, horizon, 1), np.float32),
        rewards=np.zeros((count, horizon), np.float32),
        terminated=(steps == last) & np.array(ends, bool)[:, None],
        valid=steps <= last,
        state=np.zeros((count, horizon + 1, 0)),
        episodes=np.arange(count),
        policies=np.full(count, "random"),
        past=0,
    )


def samples(ended_at: list[int | None], horizon: int = 4) -> DreamSamples:
    """One dream of each window, which ends with the decision that is named, or never."""
    count = len(ended_at)
    ended = np.zeros((count, 1, horizon), bool)
    for row, place in enumerate(ended_at):
        if place is not None:
            ended[row, 0, place] = True
    blank = np.zeros((count, 1, horizon), np.float32)
    return DreamSamples(blank[..., None], blank, ended)


def test_survival_is_that_of_kaplan_and_meier() -> None:
    """Of 20 windows 5 end at the first decision and 5 are truncated after it; 5 end at the third.

    So 3/4 go on after one decision, and of the 10 that are left a half after the third.
    """
    real = windows([1] * 5 + [0] * 5 + [1] * 5 + [0] * 5, [1] * 5 + [1] * 5 + [3] * 5 + [4] * 5)
    dreams = samples([None] * 20)
    ahead = OneStep(np.zeros((20, 4), np.float32), np.zeros((20, 4), np.float32))
    found = measure_ends(real, ahead, dreams, EpisodeBootstrap.of(real.episodes, 0))
    assert found.real.value == pytest.approx((0.75, 0.75, 0.375))
    assert found.dreamed.value == (1, 1, 1)
    assert found.ends == 10
    # five truncated windows have 1 decision, so that all have 5 + 5 + 15 + 20
    assert found.decisions == 45


def test_an_end_that_many_windows_see_is_one_end() -> None:
    """Windows of an episode overlap; of 20 in two episodes 15 see the end of the first one."""
    real = replace(windows([1] * 15 + [0] * 5, [4] * 20), episodes=np.repeat([0, 1], [15, 5]))
    ahead = OneStep(np.zeros((20, 4), np.float32), np.zeros((20, 4), np.float32))
    found = measure_ends(real, ahead, samples([None] * 20), EpisodeBootstrap.of(real.episodes, 0))
    assert found.ends == 1
    assert found.base_rate == pytest.approx(15 / 80)


def test_dreams_of_truncated_windows_are_watched_as_long_as_these() -> None:
    """A dream that ends after its window was truncated has ended unseen."""
    real = windows([0] * 20, [1] * 10 + [4] * 10)
    dreams = samples([2] * 10 + [None] * 10)
    ahead = OneStep(np.zeros((20, 4), np.float32), np.zeros((20, 4), np.float32))
    found = measure_ends(real, ahead, dreams, EpisodeBootstrap.of(real.episodes, 0))
    assert found.dreamed.value == (1, 1, 1, 1)
    assert found.skill is None


def test_starts_that_end_early_count_no_more_than_others() -> None:
    """Half of the starts end often, half seldom, and many are truncated; dreams are perfect.

    Counted for ever after their end, windows that ended would outweigh those that were truncated.
    """
    generator, count, horizon = np.random.default_rng(0), 20_000, 60
    hazard = np.repeat([0.1, 0.002], count // 2)
    lasts = generator.geometric(hazard)
    cut = generator.geometric(0.03, count)
    lengths = np.minimum(np.minimum(lasts, cut), horizon)
    real = windows([*(lasts == lengths)], [*lengths], horizon)
    dreamed = generator.geometric(hazard)
    dreams = samples([int(at) - 1 if at <= horizon else None for at in dreamed], horizon)
    bootstrap = EpisodeBootstrap.of(np.repeat(np.arange(100), count // 100), 0)
    ahead = OneStep(np.zeros((count, horizon), np.float32), np.zeros((count, horizon), np.float32))
    found = measure_ends(real, ahead, dreams, bootstrap)
    assert found.ratio.value[-1] == pytest.approx(1, abs=0.05)
    assert np.abs(found.gap.value).max() < 0.02


def test_the_interval_of_a_slope_is_of_slopes() -> None:
    """Of two episodes a resample has both, or one: their own lines, of slope 0.5 and 2, and R2."""
    real = replace(windows([0] * 2, [4] * 2), episodes=np.array([0, 1]))
    predicted = np.array([[0, 1, 2, 3], [10, 11, 12, 13]], np.float32)
    paid = np.array([[3, 3.5, 4, 4.5], [10, 12, 14, 16]], np.float32)
    blank = np.zeros_like(predicted)
    found = measure_reward(
        replace(real, rewards=paid),
        OneStep(predicted, blank),
        samples([None] * 2),
        (1,),
        EpisodeBootstrap.of(real.episodes, 0),
    )
    assert found.slope is not None
    assert found.r2 is not None
    lines = np.polyfit(predicted.ravel(), paid.ravel(), 1)[0], 0.5, 2.0
    explained = [
        1 - np.square(x - y).mean() / y.var()
        for x, y in [(predicted, paid), *zip(predicted, paid, strict=True)]
    ]
    for interval, known in ((found.slope, lines), (found.r2, explained)):
        assert interval.value == pytest.approx(known[0])
        assert (interval.low, interval.high) == pytest.approx((min(known), max(known)))


def test_a_resample_without_rewards_tells_nothing() -> None:
    real = replace(windows([0] * 2, [4] * 2), episodes=np.array([0, 1]))
    paid = np.array([[1, 1, 1, 1], [1, 2, 3, 4]], np.float32)
    ahead = OneStep(np.array([[0.1] * 4, [0, 1, 2, 3]], np.float32), np.zeros_like(paid))
    bootstrap = EpisodeBootstrap.of(real.episodes, 0)
    found = measure_reward(replace(real, rewards=paid), ahead, samples([None] * 2), (1,), bootstrap)
    assert found.slope is not None
    assert found.r2 is not None
    assert (found.slope.low, found.slope.high) == pytest.approx((1, found.slope.value))
    assert None not in {found.r2.low, found.r2.high}
    assert np.isfinite([found.r2.low, found.r2.high]).all()


def test_the_brier_skill_is_0_for_the_rate_and_1_for_an_oracle() -> None:
    real = windows([1] * 10 + [0] * 10, [4] * 20)
    bootstrap = EpisodeBootstrap.of(real.episodes, 0)
    blank = np.zeros((20, 4), np.float32)
    oracle = OneStep(blank, real.ends.astype(np.float32))
    rate = OneStep(blank, np.full((20, 4), 10 / 80, np.float32))
    for ahead, skill in ((oracle, 1.0), (rate, 0.0)):
        found = measure_ends(real, ahead, samples([None] * 20), bootstrap)
        assert found.skill is not None
        assert found.skill.value == pytest.approx(skill, abs=1e-6)
        assert found.expected.value == pytest.approx(1)


def test_episodes_without_an_end_are_no_proof_of_skill() -> None:
    """An episode that ends, and one that does not, predicted alike: there is no skill in either."""
    real = replace(windows([1, 0], [4, 4]), episodes=np.array([0, 1]))
    ahead = OneStep(np.zeros((2, 4), np.float32), np.full((2, 4), 0.01, np.float32))
    bootstrap = EpisodeBootstrap.of(real.episodes, 0)
    found = measure_ends(real, ahead, samples([None] * 2), bootstrap)
    assert found.skill is not None
    assert found.skill.high is not None
    assert found.skill.high < 0


@pytest.mark.parametrize(("scale", "ratio"), [(1.0, 1.0), (0.5, 0.5), (3.0, 3.0)])
def test_spread_is_compared_with_the_error(scale: float, ratio: float) -> None:
    dreams = scale * GENERATOR.normal(size=(3_000, 19, 1, 2))
    truth = GENERATOR.normal(size=(3_000, 1, 2)).astype(np.float32)
    known = GENERATOR.normal(size=(200, 2)).astype(np.float32)
    mask = np.ones((3_000, 1), bool)
    bootstrap = EpisodeBootstrap.of(np.arange(3_000) % 50, 0)
    found = measure_spread(dreams, truth, known, mask, (1,), bootstrap)
    # The error of a mean of 19 is that of the truth, and a little of the dreams' own.
    expected = ratio * np.sqrt((20 / 19) / (1 + ratio**2 / 19))
    assert found.ratio.value[0] == pytest.approx(expected, rel=0.05)
    if scale == 1:
        assert found.coverage["0.5"].value[0] == pytest.approx(0.5, abs=0.03)
        assert found.coverage["0.9"].value[0] == pytest.approx(0.9, abs=0.02)
        assert found.crps.value[0] == pytest.approx(1, abs=0.05)


def test_a_linear_map_knows_what_actions_do() -> None:
    """In the world of `worlds` a push moves further than noise does."""
    train, _, test = splits()
    found = measure_reference(train, test, 0)
    assert 0.4 < found.action_gain.value < 0.6
    assert found.reward_r2 == pytest.approx(1, abs=0.01)
    assert found.end_skill is not None
    assert 0 < found.end_skill < 0.2


def test_the_nearest_code_is_found_in_parts() -> None:
    known = GENERATOR.normal(size=(50, 3)).astype(np.float32)
    asked = GENERATOR.normal(size=(2_000, 3)).astype(np.float32)
    expected = np.linalg.norm(asked[:, None] - known[None], axis=-1).min(1)
    assert nearest_distances(asked, known) == pytest.approx(expected, abs=1e-3)


def score(temperature: float, low: float | None) -> TemperatureScore:
    """At least `low` farther from reality than the best."""
    excess = Interval(value=0.1, low=low, high=0.2)
    return TemperatureScore(temperature=temperature, energy=0.5, survival=0.0, excess=excess)


def test_of_level_temperatures_the_one_nearest_to_1_is_taken() -> None:
    assert choose_temperature([score(0.7, 0.0), score(1.0, -0.05), score(1.3, 0.1)]) == 1
    assert choose_temperature([score(0.7, 0.0), score(0.85, -0.1), score(1.0, 0.01)]) == 0.85
    assert choose_temperature([score(0.7, None), score(1.0, None)]) == 1


def test_of_frames_like_the_held_out_ones_one_in_a_hundred_is_elsewhere() -> None:
    training, usual, frames = GENERATOR.normal(size=(3, 8_000, 3)).astype(np.float32)
    bootstrap = EpisodeBootstrap.of(np.arange(8_000) // 100, 0)
    found = measure_elsewhere(frames, usual, training, bootstrap)
    assert found.value == pytest.approx(0.01, abs=0.004)
    assert found.least <= 0.01 <= found.most
    strange = frames.copy()
    strange[::4] += 20
    found = measure_elsewhere(strange, usual, training, bootstrap)
    assert found.value == pytest.approx(0.25 + 0.75 * 0.01, abs=0.004)
