"""Classes, held-out skill and correlations of factors against hand-computed values."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from worldvae.diagnostics.metrics.factors import (
    MAX_BINS,
    Array,
    Factor,
    binned,
    largest_correlation,
)

CONTINUOUS = [False, False]


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def reversed_when_held_out(discrete: bool) -> Factor:
    """v = z where one learns and v = -z where one is scored."""
    z = np.tile([-1.0, 1.0], 400)
    train = np.arange(800) < 400
    return Factor.where_defined(z[:, None], np.where(train, z, -z), train, discrete)


def test_classes_have_equal_frequency_in_any_unit() -> None:
    values = generator().exponential(size=10_000)
    classes = binned(values)
    assert set(np.bincount(classes)) == {10_000 // MAX_BINS}
    np.testing.assert_array_equal(classes, binned(1e6 * values - 7))
    np.testing.assert_array_equal(classes, binned(np.log(values)))


def test_few_values_stay_as_they_are_however_rare() -> None:
    assert binned(np.array([5.0, 5.0, -1.0, 7.5, 5.0])).tolist() == [1, 1, 0, 2, 1]


def test_few_frames_get_few_classes() -> None:
    assert binned(generator().normal(size=500)).max() + 1 == 10  # sqrt(500 / 5)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_frequent_value_has_a_class_of_its_own(sign: int) -> None:
    """A force that is 0 but in one frame of 20."""
    values = np.zeros(10_000)
    values[::20] = sign * generator().uniform(1, 2, size=500)
    classes = binned(values)
    assert set(classes[values == 0]).isdisjoint(classes[values != 0])


@pytest.mark.parametrize("discrete", [False, True])
def test_skill_is_held_out(discrete: bool) -> None:
    factor = reversed_when_held_out(discrete)
    model = LogisticRegression() if discrete else LinearRegression()
    assert factor.skill(model, factor.codes) == 0
    fair = Factor(factor.codes, factor.codes[:, 0], factor.train, discrete)
    assert fair.skill(model, factor.codes) == pytest.approx(1)


def test_skill_gives_the_commonest_class_no_credit() -> None:
    """Always naming it is right in 90 % of the frames, and in 1 of 2 classes."""
    values = np.tile([0.0] * 9 + [1.0], 80)
    factor = Factor(np.zeros((800, 1)), values, np.arange(800) < 400, discrete=True)
    assert factor.skill(LogisticRegression(), factor.codes) == 0


def test_skill_is_balanced_accuracy_in_units_of_its_excess_over_chance() -> None:
    """Recalls of 1 (four 0s of 4) and 1/2 (one 1 of 2): (3/4 - 1/2) / (1 - 1/2) = 1/2."""
    train = np.arange(12) < 6
    values = np.tile([0.0, 0.0, 0.0, 0.0, 1.0, 1.0], 2)
    seen = np.append(values[:6], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    factor = Factor(seen[:, None], values, train, discrete=True)
    assert factor.skill(LogisticRegression(C=100.0), factor.codes) == pytest.approx(0.5)


def test_frames_without_the_factor_are_left_out() -> None:
    values = np.array([0.5, np.nan, 0.1, 0.5])
    train = np.array([True, True, False, False])
    factor = Factor.where_defined(np.arange(4.0)[:, None], values, train, discrete=True)
    assert factor.codes.ravel().tolist() == [0, 2, 3]
    assert factor.values.tolist() == [1, 0, 1]
    assert factor.train.tolist() == [True, False, False]


def test_correlation_of_two_continuous_factors_is_the_size_of_pearsons_r() -> None:
    """Deviations (-1, 0, 1) and (1, 1, -2): |-3| / sqrt(2 * 6)."""
    pair = np.tile([[1.0, 5.0], [2.0, 5.0], [3.0, 2.0]], (100, 1))
    found = largest_correlation(pair, CONTINUOUS)
    assert found is not None
    assert found.value == pytest.approx(3 / np.sqrt(12))


def test_the_largest_correlation_names_its_pair() -> None:
    a, b, c = generator().normal(size=(3, 20_000))
    found = largest_correlation(np.stack([a, b, c, b + c], axis=1), [False] * 4)
    assert found is not None
    assert found.first in (1, 2)
    assert found.second == 3
    assert found.value == pytest.approx(np.sqrt(0.5), abs=0.01)


def test_categories_have_no_order() -> None:
    """The class (0, 1, 2) of the values (0, 1, 0): r is 0, yet the class tells the value."""
    pair = np.tile([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]], (100, 1))
    as_numbers, as_classes = (largest_correlation(pair, [kind, kind]) for kind in (False, True))
    assert as_numbers is not None
    assert as_classes is not None
    assert as_numbers.value == pytest.approx(0, abs=1e-9)
    assert as_classes.value == pytest.approx(1)


def test_correlation_looks_only_where_both_factors_are_defined() -> None:
    a = generator().normal(size=1000)
    b = np.where(np.arange(1000) < 500, a, np.nan)
    found = largest_correlation(np.stack([a, b], axis=1), CONTINUOUS)
    assert found is not None
    assert found.value == pytest.approx(1)


@pytest.mark.parametrize(
    "pair",
    [
        np.ones((500, 2)),
        np.stack([np.arange(500.0), np.full(500, np.nan)], axis=1),
        np.arange(20.0).reshape(10, 2),
    ],
)
def test_there_is_no_correlation_without_variation_or_frames(pair: Array) -> None:
    assert largest_correlation(pair, CONTINUOUS) is None
    assert largest_correlation(pair[:, :1], [False]) is None
