"""Units of what is rare, slow, huge or not there, against numbers that were put in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.dynamics.known import Episode, Windows, untrained, windows
from worldvae.dynamics.change_classes import ChangeClasses, nearest_counts
from worldvae.dynamics.heads import ExpectationHead
from worldvae.dynamics.noise import Noise
from worldvae.dynamics.reward_support import RewardSupport, two_hot_counts
from worldvae.dynamics.units import MEASURED, Units, measure_units
from worldvae.indices import evenly

COUNT = 20_000


def single_decisions(rewards: NDArray[np.float64], jumps: NDArray[np.float64]) -> Windows:
    """An episode for each reward: one decision, in which the one key jumps."""
    codes = np.zeros((len(rewards), 2, 2))
    codes[:, 1, 1] = jumps
    return windows(
        [
            (code, np.zeros((1, 1)), np.array([reward]), False)
            for code, reward in zip(codes, rewards, strict=True)
        ],
        1,
    )


def test_what_happens_once_among_many_windows_can_be_dreamed() -> None:
    unmeasured = np.setdiff1d(np.arange(COUNT), evenly(COUNT, MEASURED))
    rewards, jumps = np.zeros((2, COUNT))
    rewards[unmeasured[100]], jumps[unmeasured[5_000]] = 100.0, -8.0
    units = measure_units(single_decisions(rewards, jumps), 1, 64)
    assert units.rewards.values[-1] == 100
    assert units.rewards.values[0] == 0
    assert units.reward_std == pytest.approx(rewards.std(), rel=1e-3)
    assert values(units) == [-8, 0]
    assert units.key_classes.log_shares[0, 0].exp().item() == pytest.approx(1 / COUNT)
    many = np.random.default_rng(0).normal(size=COUNT)
    many[unmeasured[7]] = 50.0
    assert values(measure_units(single_decisions(rewards, many), 1, 64))[-1] == 50


@pytest.mark.parametrize("unit", [1e-9, 1e-4, 1e6])
def test_rewards_in_another_unit_are_measured_alike(unit: float) -> None:
    """Else what dreams pay of small ones is noise, and no weights are chosen by it."""
    rewards, jumps = np.random.default_rng(0).normal(size=(2, 500))
    plain = measure_units(single_decisions(rewards, jumps), 1, 8)
    other = measure_units(single_decisions(rewards * unit, jumps), 1, 8)
    assert other.reward_std == pytest.approx(plain.reward_std * unit, rel=1e-4)
    values = plain.rewards.values.numpy() * unit
    assert other.rewards.values.numpy() == pytest.approx(values, rel=1e-3, abs=1e-6 * unit)


@pytest.mark.parametrize("reward", [0.0, 1e-9, 1.0, 1e6])
def test_of_equal_rewards_rounding_is_no_deviation(reward: float) -> None:
    rewards = np.full(500, reward)
    rewards[::2] *= 1 + 1e-7
    units = measure_units(single_decisions(rewards, np.zeros(500)), 1, 8)
    assert units.reward_std == 0
    assert (np.diff(units.rewards.values.numpy()) > 0).all()
    assert np.ptp(units.rewards.values.numpy()) >= 1.99e-3, "a thousandth to either side"


def values(units: Units) -> list[float]:
    """The classes of the first key."""
    row = units.key_classes.values[0]
    found: list[float] = row[~row.isnan()].tolist()
    return found


def test_as_many_values_as_there_can_be_are_classes_and_of_more_quantiles() -> None:
    """And no change, which is often an event of its own."""
    eight, many = np.tile(np.arange(1.0, 9), 9), np.arange(-15.0, 46)
    for jumps, found in ((eight, [*range(1, 9)]), (many, [-15, -5, 0, 5, 15, 25, 35, 45])):
        assert values(measure_units(single_decisions(0 * jumps, jumps), 1, 8)) == found
    unmeasured = ChangeClasses.of([(many.astype(np.float32), np.empty(0, np.float32))], 8)
    assert unmeasured.values[0].tolist() == found


def of_key(raw: NDArray[np.float64]) -> tuple[Windows, NDArray[np.float64]]:
    """One episode whose key is `raw` (T + 1,), in its own units; and its true changes (T,)."""
    steps = len(raw) - 1
    codes = np.zeros((steps + 1, 2))
    codes[:, 1] = (raw - raw.mean()) / raw.std()
    episode: Episode = (codes, np.zeros((steps, 1)), np.zeros(steps), False)
    return windows([episode], steps), np.diff(raw) / raw.std()


TIMES = np.arange(100_001.0)


@pytest.mark.parametrize(
    "raw",
    [
        TIMES,
        np.arange(1_000_001.0),
        np.cumsum(1 + TIMES % 2),
        TIMES % 50_000,
        np.floor(TIMES / 7),
    ],
    ids=["counter", "longer", "two speeds", "filled up once", "every seventh"],
)
def test_keys_that_change_slowly_are_dreamed_at_their_speed(raw: NDArray[np.float64]) -> None:
    data, true = of_key(raw)
    classes = np.array(values(measure_units(data, 1, 64)))
    # float32 knows the changes of a counter that far from 0 only about.
    nearest = classes[np.abs(true[:, None] - classes).argmin(1)]
    for speed in np.unique(true.round(12)):
        dreamed = nearest[np.abs(true - speed) < 1e-12].mean()
        assert dreamed == pytest.approx(speed, rel=0.01, abs=1e-9)


@pytest.mark.parametrize(
    ("low", "high"),
    [(5e4, 5e4), (1e5, 1e5), (-1e5, -1e5), (1e6, 1e6 + 1), (-1e6 - 1, -1e6), (1e4, 1e4 + 0.02)],
)
def test_large_rewards_of_a_small_range_are_told_apart(low: float, high: float) -> None:
    signs = np.random.default_rng(0).choice([-1.0, 1.0], 400)
    rewards = np.where(signs > 0, high, low).astype(np.float32)
    support = measure_units(single_decisions(rewards, np.zeros(400)), 1, 64).rewards.values
    assert (support.diff() > 0).all()
    head = ExpectationHead(1, RewardSupport.even(support))
    optimizer = torch.optim.Adam(head.parameters(), 0.3)
    features, truth = torch.from_numpy(signs).float()[:, None], torch.from_numpy(rewards)
    for _ in range(200):
        loss = head.cross_entropy(head(features), truth).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    error = (head.mean(head(features)) - truth).abs().max().item()
    assert error <= max(0.1 * (high - low), 2 * float(np.spacing(np.float32(abs(high)))))


def test_without_a_change_to_measure_units_are_finite() -> None:
    ends: list[Episode] = [
        (np.ones((2, 2)), np.zeros((1, 1)), np.array([float(k)]), True) for k in range(5)
    ]
    units = measure_units(windows(ends, 3), 1, 64)
    assert units.change.tolist() == [1, 1]
    assert values(units) == [0]
    assert units.key_classes.log_shares.isfinite().all()
    assert units.rewards.values[[0, -1]].tolist() == [0, 4]


def test_units_are_those_of_what_is_there() -> None:
    """A latent at 3, 3, 5, 6 and, terminated there, a 99 that nothing predicts; and two keys."""
    codes = np.array([[3.0, 7, 0], [3, 8, -1], [5, 8, -2], [6, 6, -3], [99, 99, 99]])
    units = measure_units(windows([(codes, np.zeros((4, 1)), np.arange(4.0), True)], 6), 1, 8)
    assert units.code_std == pytest.approx(np.std([3, 5, 6]))
    assert units.change.tolist() == pytest.approx(
        [np.std([0, 2, 1]), np.std([1, 0, -2]), 1e-3], rel=1e-6
    )
    assert units.key_range.tolist() == [[6, -3], [8, 0]]
    assert units.end_rate == 0.25


def eventful(seed: int) -> Windows:
    """Episodes of 20 decisions: 30 % pay 1, one key falls by 3 in 2 %, the last ends of 60 %."""
    random, episodes = np.random.default_rng(seed), list[Episode]()
    for _ in range(200):
        codes = random.normal(size=(21, 2))
        codes[1:, 1] = codes[0, 1] - 3 * np.cumsum(random.random(20) < 0.02)
        rewards = (random.random(20) < 0.3).astype(np.float64)
        episodes.append((codes, np.zeros((20, 1)), rewards, bool(random.random() < 0.6)))
    return windows(episodes, 20)


@pytest.mark.parametrize("end_weight", [1.0, 10.0])
@pytest.mark.parametrize("head", ["mixture", "categorical"])
def test_untrained_dynamics_are_wrong_about_when_and_not_about_how_often(
    head: str, end_weight: float
) -> None:
    """The control of dreams: the same network, the same rates of rewards, ends and keys."""
    data = eventful(0)
    model = untrained(data, keys=1, objective={"end_weight": end_weight}, head=head)
    random = torch.Generator().manual_seed(0)
    state = replace(model.initial(50), code=torch.randn(50, 2, generator=random))
    found = model.predict(state, torch.zeros(50, 1))
    rewards, ends = data.events()
    torch.testing.assert_close(
        found.end_probability, torch.full((50,), ends.mean()), rtol=1e-3, atol=0
    )
    torch.testing.assert_close(found.reward, torch.full((50,), rewards.mean()), rtol=1e-3, atol=0)
    assert found.change.keys is not None
    falls = (data.key_changes(1) < -1).mean()
    told = found.change.keys.log_prob(torch.full((50, 1), -3.0)).exp()
    torch.testing.assert_close(told, torch.full((50, 1), falls), rtol=1e-3, atol=0)


def test_the_mean_of_a_support_under_its_counts_is_that_of_the_numbers() -> None:
    values = np.array([-2, 0, 0.5, 3], np.float32)
    numbers = np.array([-2, -1, 0.1, 0.5, 2, 3, 3], np.float32)
    counts = two_hot_counts(numbers, values)
    assert counts.sum() == pytest.approx(7)
    assert counts @ values == pytest.approx(numbers.sum(), rel=1e-6)
    np.testing.assert_allclose(counts, [1.5, 0.5 + 0.8, 0.2 + 1 + 0.4, 0.6 + 2], rtol=1e-6)


def test_numbers_count_for_the_nearest_value() -> None:
    values, numbers = np.array([-1, 0, 4], np.float32), np.array([-9, -0.6, -0.4, 1.9, 2.1, 9])
    assert nearest_counts(numbers.astype(np.float32), values).tolist() == [2, 2, 2]
    assert nearest_counts(values[:1], values).tolist() == [1, 0, 0]


def test_dreamed_keys_stay_within_what_training_has_seen() -> None:
    """What the next step reads, too: no memory knows of a health below 0."""
    data = eventful(1)
    model, random = untrained(data, keys=1), torch.Generator().manual_seed(0)
    seen = data.key_values(1)
    state, lowest = model.initial(64), 0.0
    for _ in range(300):
        state, step = model.imagine(state, torch.zeros(64, 1), random)
        assert torch.equal(step.code, state.code)
        assert seen.min() <= state.code[:, 1].min()
        assert state.code[:, 1].max() <= seen.max()
        lowest = min(lowest, state.code[:, 1].min().item())
    assert lowest == seen.min()
    start = model.initial(8)
    freely = model.members[0].run_freely(
        start.carried[0], start.code, torch.zeros(8, 300, 1), Noise(random)
    )[1]
    assert freely[..., 1].min() == seen.min()
    assert model.moved(start.code, torch.full((8, 2), -99.0))[0].tolist() == [-99, seen.min()]


def test_the_usual_size_is_the_median_of_what_is_not_zero() -> None:
    """Of NaN, of zeros and of what rounding leaves of them there is no size."""
    nan = float("nan")
    rows = [[-0.006, 0.0, 0.5, nan], [-1e-9, 3.0, -2.0, 1.0], [0.0, nan, nan, nan]]
    shares = [[0.2, 0.79, 0.01, 1.0], [0.97, 0.01, 0.01, 0.01], [1.0, 1.0, 1.0, 1.0]]
    known = ChangeClasses(torch.tensor(rows), torch.tensor(shares).log())
    assert known.usual_sizes().tolist() == pytest.approx([0.006, 2.0, 0.0])


def test_quantiles_express_what_lies_between_them_and_few_values_themselves() -> None:
    """Of at most five classes, four and five are quantiles."""
    nan = float("nan")
    quantiles, few = [-2.0, -1.0, 0.0, 1.0, nan], [-2.0, 0.0, 1.0, nan, nan]
    cases = [
        (quantiles, [-3.0, -0.6, 0.0, 1.7, 2.0], True),  # as far beyond as the last gaps
        (quantiles, [-3.1, -0.6, 0.0, 1.7, nan], False),
        (quantiles, [-0.6, 0.0, nan, nan, nan], False),
        (quantiles, [-1.01, 0.0, nan, nan, nan], True),
        (few, [-2.0, 1.01, nan, nan, nan], True),
        (few, [-2.0, -1.0, 0.0, 1.0, nan], False),
    ]
    before, later, expressed = zip(*cases, strict=True)
    known = [ChangeClasses.even(torch.tensor(rows)) for rows in (before, later)]
    assert known[0].can_express(known[1]).tolist() == [*expressed]


def test_a_support_expresses_the_rewards_that_it_reaches() -> None:
    known = RewardSupport.even(torch.tensor([-1.0, 0.0, 2.0]))
    for ends, expressed in (([-1.0, 2.0], True), ([-1.1, 2.0], False), ([0.0, 2.1], False)):
        assert known.can_express(RewardSupport.even(torch.tensor(ends))).tolist() == [expressed]
