"""Ridge regression by hand, the softmax classifiers against what is known of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from worldvae.diagnostics.metrics import linear_models
from worldvae.diagnostics.metrics.linear_models import (
    UNDEFINED,
    Array,
    Target,
    apply,
    fit_ridge,
    fit_softmax,
    weighted_f1,
)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def softmax_f1(train: Array, validation: Array, target: Target) -> float:
    (weights,) = fit_softmax(train, validation, [target], seed=0)
    return weighted_f1(target.validation, apply(validation, weights))


def test_ridge_by_hand() -> None:
    """x = -1, 0, 1 and y = 2 x + 5: mean x^2 = 2/3, mean x y = 4/3, so w = 4/3 / (2/3 + 1/3)."""
    weights = fit_ridge(np.array([[-1.0], [0.0], [1.0]]), np.array([3.0, 5.0, 7.0]), [1 / 3, 0.0])
    np.testing.assert_allclose(weights, [[4 / 3, 2.0], [5.0, 5.0]])


def test_ridge_leaves_the_bias_free() -> None:
    """An endless penalty leaves the mean of y, wherever x lies."""
    weights = fit_ridge(np.array([[10.0], [12.0]]), np.array([1.0, 3.0]), [1e12])
    np.testing.assert_allclose(apply(np.array([[99.0]]), weights), [[2.0]], atol=1e-9)


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


def test_the_loss_is_the_mean_cross_entropy_of_each_target_over_the_batch() -> None:
    """Uniform guesses over 2 and over 4 classes cost ln 2 and ln 4; one frame of two is void."""
    labels = torch.tensor([[1, 0], [3, UNDEFINED]])
    loss = linear_models._cross_entropy(torch.zeros(2, 6), labels, [2, 4])
    assert loss.item() == pytest.approx(np.log(2) + np.log(4) / 2)


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


def test_the_epochs_improve_on_discriminants_where_classes_are_not_gaussian() -> None:
    """Outliers of one class pull its mean across the boundary x0 = 0."""
    draws = generator(2)
    x = draws.normal(size=(4000, 2))
    labels = (x[:, 0] > 0).astype(np.int64)
    far = labels.astype(bool) & (draws.random(4000) < 0.1)
    x[far] *= 30
    x = (x - x.mean(0)) / x.std(0)
    target = Target(labels[:3000], labels[3000:])
    path = linear_models._discriminants(x[:3000], target.train, 2)
    start = max(weighted_f1(target.validation, apply(x[3000:], w)) for w in path)
    assert softmax_f1(x[:3000], x[3000:], target) > start + 0.02


def test_no_features_leave_the_majority() -> None:
    labels = np.array([0] * 3 + [1] * 5 + [2] * 2)
    (weights,) = fit_softmax(np.zeros((10, 0)), np.zeros((10, 0)), [Target(labels, labels)], 0)
    assert weights.shape == (1, 3)
    assert weights.argmax() == 1


def test_the_seed_decides_the_order_of_frames_and_nothing_else_does() -> None:
    x, labels = generator(3).normal(size=(600, 5)), generator(4).integers(4, size=600)
    target = Target(labels[:400], labels[400:])
    first, again = (fit_softmax(x[:400], x[400:], [target], seed=0)[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    start = [np.zeros((6, 4))]
    runs = [list(linear_models._epochs(x[:400], start, [target], seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_targets_do_not_disturb_each_other() -> None:
    """Fitted in one product, each as if alone; Adam divides each gradient by its own size."""
    x, draws = generator(5).normal(size=(900, 4)), generator(6)
    targets = []
    for column in range(2):
        labels = np.digitize(x[:, column] + 0.1 * draws.normal(size=900), [-0.5, 0.5])
        targets.append(Target(labels[:600], labels[600:]))
    together = fit_softmax(x[:600], x[600:], targets, 0)
    for target, weights in zip(targets, together, strict=True):
        (alone,) = fit_softmax(x[:600], x[600:], [target], 0)
        np.testing.assert_allclose(weights, alone, rtol=1e-3, atol=1e-3)
