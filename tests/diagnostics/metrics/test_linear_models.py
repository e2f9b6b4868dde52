"""Ridge regression by hand, the softmax classifiers against what is known of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from worldvae.diagnostics.metrics import linear_models
from worldvae.diagnostics.metrics.linear_models import (
    UNDEFINED,
    Array,
    Target,
    apply,
    fit_best_ridge,
    fit_ridge,
    fit_softmax,
    weighted_f1,
)
from worldvae.diagnostics.splits import Splits


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def softmax_f1(train: Array, validation: Array, target: Target) -> float:
    (weights,) = fit_softmax(train, validation, [target])
    return weighted_f1(target.validation, apply(validation, weights))


def test_ridge_by_hand() -> None:
    """x = -1, 0, 1 and y = 2 x + 5: mean x^2 = 2/3, mean x y = 4/3, so w = 4/3 / (2/3 + 1/3)."""
    weights = fit_ridge(np.array([[-1.0], [0.0], [1.0]]), np.array([3.0, 5.0, 7.0]), [1 / 3, 0.0])
    np.testing.assert_allclose(weights, [[4 / 3, 2.0], [5.0, 5.0]])


def test_ridge_leaves_the_bias_free() -> None:
    """An endless penalty leaves the mean of y, wherever x lies."""
    weights = fit_ridge(np.array([[10.0], [12.0]]), np.array([1.0, 3.0]), [1e12])
    np.testing.assert_allclose(apply(np.array([[99.0]]), weights), [[2.0]], atol=1e-9)


def test_validation_chooses_the_penalty_of_ridge() -> None:
    """Where validation has no slope the largest penalty is best, where it has one the least."""
    x = np.array([[-1.0], [0.0], [1.0], [9.0]])
    y = np.array([3.0, 5.0, 7.0, np.nan])
    flat = np.array([5.0, 5.0, 5.0, np.inf])
    every = fit_ridge(x[:3], y[:3])
    for chosen, validation in ((every[:, 0], y), (every[:, -1], flat)):
        weights = fit_best_ridge(Splits(x, x, x), Splits(y, validation, flat))
        np.testing.assert_array_equal(weights, chosen)


def test_weighted_f1_by_hand() -> None:
    """Truth 0 0 0 1 answered 0 0 1 1: F1 of 0 is 4/5, of 1 is 2/3; weights 3/4 and 1/4."""
    logits = np.eye(2)[[0, 0, 1, 1]]
    expected = 3 / 4 * 4 / 5 + 1 / 4 * 2 / 3
    assert weighted_f1(np.array([0, 0, 0, 1]), logits) == pytest.approx(expected)


def test_f1_of_frames_without_a_value_and_of_classes_never_seen() -> None:
    logits = np.eye(2)[[0, 0, 1, 1]]
    assert weighted_f1(np.array([0, UNDEFINED, UNDEFINED, 1]), logits) == 1.0
    assert weighted_f1(np.array([2, 2, 2, 2]), logits) == 0.0


def test_the_discriminants_are_those_of_scikit_learn() -> None:
    """Without shrinkage, up to a constant that all classes share."""
    x, labels = generator().normal(size=(300, 4)), np.repeat([0, 1, 2], [200, 70, 30])
    x[:, 0] += labels
    ours = apply(x, linear_models._discriminants(x, labels, 3)[0])
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(x, labels).decision_function(x)
    np.testing.assert_allclose(
        ours - ours.mean(1, keepdims=True), theirs - theirs.mean(1, keepdims=True), atol=1e-3
    )


def test_the_regressions_are_those_of_scikit_learn() -> None:
    """Its C weighs the sum over frames against |w|^2 / 2, ours the mean against penalty |w|^2."""
    draws = generator(3)
    x = draws.normal(size=(400, 3))
    labels = (x @ draws.normal(size=(3, 4)) + draws.gumbel(size=(400, 4))).argmax(1)
    for penalty, ours in zip(
        linear_models.SOFTMAX_PENALTIES, linear_models._regressions(x, labels, 4), strict=True
    ):
        exact = LogisticRegression(C=1 / (2 * penalty * 400), tol=1e-8, max_iter=1000)
        theirs = exact.fit(x, labels).decision_function(x)
        logits = apply(x, ours)
        logits -= logits.mean(1, keepdims=True)
        np.testing.assert_allclose(logits, theirs - theirs.mean(1, keepdims=True), atol=0.02)


def test_ordered_classes_on_a_line_are_told_apart() -> None:
    """What least squares on one-hot labels cannot: its middle classes never win."""
    position = generator().integers(100, size=6000)
    code = ((position - 49.5) / 29)[:, None]
    target = Target(position[:5000], position[5000:])
    assert softmax_f1(code[:5000], code[5000:], target) >= 0.95
    one_hot = np.eye(100)[position[:5000]]
    least_squares = np.hstack([fit_ridge(code[:5000], y, [0.0]) for y in one_hot.T])
    assert weighted_f1(target.validation, apply(code[5000:], least_squares)) < 0.05


def test_a_position_hidden_in_noisy_latents_is_found() -> None:
    """One of 32 directions, turned at random, noise of a tenth of the distance of two classes."""
    draws = generator(1)
    position = draws.integers(100, size=6000)
    latents = draws.normal(size=(6000, 32))
    latents[:, 0] = (position + 0.1 * draws.normal(size=6000) - 49.5) / 29
    latents = latents @ np.linalg.qr(draws.normal(size=(32, 32)))[0]
    target = Target(position[:5000], position[5000:])
    assert softmax_f1(latents[:5000], latents[5000:], target) >= 0.95


def with_outliers() -> tuple[Array, NDArray[np.int64]]:
    """Outliers of one class pull its mean across the boundary x0 = 0."""
    draws = generator(2)
    x = draws.normal(size=(4000, 2))
    labels = (x[:, 0] > 0).astype(np.int64)
    x[labels.astype(bool) & (draws.random(4000) < 0.1)] *= 30
    return (x - x.mean(0)) / x.std(0), labels


def tenths_of_a_direction() -> tuple[Array, NDArray[np.int64]]:
    """Ten ordered classes along one direction of 64 correlated features with heavy tails."""
    draws = generator(1)
    x = draws.standard_t(4, size=(3800, 64)) @ (
        draws.normal(size=(64, 64)) * np.geomspace(1, 0.05, 64)
    )
    x = (x - x.mean(0)) / x.std(0)
    along = x @ draws.normal(size=64)
    return x, np.searchsorted(np.quantile(along, np.arange(0.1, 1, 0.1)), along)


@pytest.mark.parametrize(
    ("make", "reached"), [(with_outliers, 0.97), (tenths_of_a_direction, 0.85)]
)
def test_regression_finds_what_discriminants_miss(
    make: Callable[[], tuple[Array, NDArray[np.int64]]], reached: float
) -> None:
    x, labels = make()
    target = Target(labels[:-1000], labels[-1000:])
    gaussian = linear_models._discriminants(x[:-1000], target.train, target.classes)
    start = max(weighted_f1(target.validation, apply(x[-1000:], w)) for w in gaussian)
    found = softmax_f1(x[:-1000], x[-1000:], target)
    assert found > reached > start


def test_no_features_leave_the_majority() -> None:
    labels = np.array([0] * 3 + [1] * 5 + [2] * 2)
    (weights,) = fit_softmax(np.zeros((10, 0)), np.zeros((10, 0)), [Target(labels, labels)])
    assert weights.shape == (1, 3)
    assert weights.argmax() == 1


def test_frames_without_a_value_do_not_count() -> None:
    x, labels = generator(5).normal(size=(900, 4)), generator(6).integers(3, size=900)
    train = np.where(np.arange(600) % 3 == 0, UNDEFINED, labels[:600])
    (weights,) = fit_softmax(x[:600], x[600:], [Target(train, labels[600:])])
    kept = train != UNDEFINED
    whitening = linear_models._whitening(x[:600])
    alone = linear_models._regressions((x[:600] @ whitening)[kept], train[kept], 3)
    gaussian = linear_models._discriminants((x[:600] @ whitening)[kept], train[kept], 3)
    back = [np.vstack([whitening @ w[:-1], w[-1:]]) for w in [*gaussian, *alone]]
    assert any(np.allclose(weights, w) for w in back)
