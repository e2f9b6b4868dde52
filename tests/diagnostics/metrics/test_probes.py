"""Probes of features whose relation to the state is known."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter

from worldvae.diagnostics.metrics import probes
from worldvae.diagnostics.metrics.linear_models import Array
from worldvae.diagnostics.metrics.probes import ProbeResult, read
from worldvae.diagnostics.metrics.variables import Parts
from worldvae.errors import WorldvaeError

SIZES = {"train": 1200, "validation": 300, "test": 300}


def normal(width: int, seed: int = 0) -> Parts:
    draws = np.random.default_rng(seed)
    return Parts(*(draws.normal(size=(size, width)) for size in SIZES.values()))


def each(function: object, parts: Parts) -> Parts:
    assert callable(function)
    return Parts(*(function(part) for part in parts))


def thirds(column: Array) -> Array:
    """Three classes of a standard normal variable, the middle one the largest: (B,) -> (B,)."""
    return np.digitize(column, [-0.6, 0.6]).astype(float)


def probe(*given: Any, **named: Any) -> ProbeResult:
    return read(*given, **named).result


def one(features: Parts, column: Parts, discrete: bool, seed: int = 0) -> ProbeResult:
    state = each(lambda values: values[:, None], column)
    return probe(features, state, ["group.it"], [discrete], seed=seed)


def test_a_linear_map_is_found_exactly() -> None:
    features = normal(5)
    result = one(features, each(lambda x: 3 * x[:, 0] - x[:, 4] + 100, features), False)
    assert result.mean == pytest.approx(1.0, abs=1e-9)
    assert result.variables[0].kind == "r2"
    assert result.variables[0].classes is None


def test_three_classes_along_a_line_are_found() -> None:
    """The middle one of them too, which no plane parts from both others."""
    features = each(lambda x: thirds(x) + 0.1 * x, normal(1))
    result = one(features, each(lambda x: np.round(x[:, 0]) * 7.5, each(thirds, normal(1))), True)
    assert result.mean == 1.0
    assert (result.variables[0].kind, result.variables[0].classes) == ("f1", 3)


def test_the_probe_that_was_published_is_of_classes_alone() -> None:
    """Ridge regression has no place in it; it would not see how small the features are either."""
    features = normal(2)
    state = each(lambda x: np.stack([thirds(x[:, 0]), x[:, 1]], axis=1), features)
    found = probe(features, state, ["a.class", "b.number"], [True, False], None, 0, "published")
    assert [variable.kind for variable in found.variables] == ["f1"]
    assert [*found.groups] == ["a"]
    without = one(features, each(lambda x: x[:, 1], features), False)
    assert without.mean == pytest.approx(1)
    alone = probe(
        features, each(lambda x: x[:, 1:], features), ["b"], [False], None, 0, "published"
    )
    assert alone.mean is None


def test_noise_has_the_r2_of_the_mean() -> None:
    result = one(normal(5), each(lambda x: x[:, 0], normal(1, seed=1)), False)
    assert result.mean == pytest.approx(0.0, abs=0.02)


def test_noise_has_the_f1_of_the_majority() -> None:
    column = each(lambda x: (x[:, 0] > -0.5).astype(float), normal(1, seed=1))
    floor = one(normal(0), column, True).mean
    assert floor is not None
    assert one(normal(5), column, True).mean == pytest.approx(floor, abs=0.05)


def test_without_features_the_majority_is_guessed() -> None:
    """Always guessed, right for half of the frames: F1 2/3 of that class, 0 of the other."""
    train = np.array([0.0] * 6 + [1.0] * 4)
    test = np.array([0.0, 0.0, 1.0, 1.0])
    result = one(Parts(*(np.zeros((n, 0)) for n in (10, 10, 4))), Parts(train, train, test), True)
    assert result.mean == pytest.approx(1 / 3)


def test_without_features_the_mean_is_guessed() -> None:
    """Guess 1 for 0, 2, 3: squared errors 1 + 1 + 4; about their own mean 5/3 they are 42/9.

    That is worse than to know the mean of the test part: it counts as nothing, no less.
    """
    train, test = np.array([0.0, 2.0]), np.array([0.0, 2.0, 3.0])
    result = one(Parts(*(np.zeros((n, 0)) for n in (2, 2, 3))), Parts(train, train, test), False)
    assert result.variables[0].score == pytest.approx(1 - 6 / (42 / 9))
    assert result.mean == 0.0


def test_the_mean_is_over_groups_of_variables() -> None:
    """Two variables at R^2 1 and 0 in one group, one at 1 in another: (1/2 + 1) / 2."""
    features, other = normal(3), normal(1, seed=1)
    state = Parts(*(np.c_[x[:, 0], y, x[:, 1]] for x, y in zip(features, other, strict=True)))
    result = probe(features, state, ["small.ball.x", "small.luck", "agent.x"], [False] * 3)
    assert [score.group for score in result.variables] == ["small", "small", "agent"]
    assert result.groups == {"small": pytest.approx(0.5, abs=0.02), "agent": pytest.approx(1.0)}
    assert result.mean == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize("discrete", [True, False])
def test_rows_without_a_value_are_skipped(discrete: bool) -> None:
    """Where the variable is nan the features lie; elsewhere they tell it."""
    clean = each(lambda x: np.sign(x) + 0.01 * x, normal(1))
    column = each(lambda x: np.sign(x[:, 0]) if discrete else x[:, 0].copy(), clean)
    features = each(np.copy, clean)
    for x, y in zip(features, column, strict=True):
        x[::3], y[::3] = -50 * x[::3], np.nan
    result = one(features, column, discrete)
    assert result.mean == pytest.approx(1.0, abs=1e-9)
    assert result.rows == SIZES


def test_nan_in_one_variable_leaves_the_rows_of_another() -> None:
    features = normal(2)
    state = each(lambda x: np.c_[thirds(x[:, 0]), thirds(x[:, 1])], features)
    alone = probe(features, each(lambda y: y[:, 1:], state), ["b"], [True])
    for y in state:
        y[5:, 0] = np.nan
    both = probe(features, state, ["a", "b"], [True, True])
    assert both.variables[-1].score == pytest.approx(alone.variables[0].score, abs=0.03)


def test_one_variable_gone_wild_does_not_outweigh_the_others() -> None:
    """It is off by 10 deviations in every test frame: R^2 is about -10^2."""
    features = normal(2)
    state = each(np.copy, features)
    state.test[:, 1] += 10
    result = probe(features, state, ["ball.x", "ball.y"], [False, False])
    assert result.variables[1].score < -50
    assert result.groups["ball"] == pytest.approx(0.5, abs=1e-6)
    assert result.mean == pytest.approx(0.5, abs=1e-6)


def test_a_variable_that_hardly_varies_in_test_is_left_out() -> None:
    """The map is right up to 1e-6 of the deviation it learned, 1,000 times that of the test part:
    R^2 would be -1e6."""
    features = normal(2)
    state = each(np.copy, features)
    state.test[:, 1] *= 1e-9
    features.test[:, 1] = 1e-6
    result = probe(features, state, ["ball.x", "ball.y"], [False, False])
    assert [score.variable for score in result.variables] == ["ball.x"]
    assert list(result.dropped) == ["ball.y"]
    assert result.mean == pytest.approx(1.0)


def test_test_frames_seen_before_are_removed_and_counted() -> None:
    """The features of those frames are wrong: with them R^2 is far below 1."""
    features = each(np.copy, normal(2))
    column = each(lambda x: x[:, 0].copy(), features)
    features.test[:20] *= -1
    state = each(lambda values: values[:, None], column)
    hashes = Parts(np.arange(1200), np.arange(5000, 5300), np.arange(9000, 9300))
    hashes.test[:10], hashes.test[10:20] = 7, 5001  # seen in training, seen in validation
    spoilt = probe(features, state, ["x"], [False])
    result = probe(features, state, ["x"], [False], hashes)
    assert (spoilt.duplicates, spoilt.rows["test"]) == (0, 300)
    assert (result.duplicates, result.rows["test"]) == (20, 280)
    assert result.mean == pytest.approx(1.0, abs=1e-9)
    assert spoilt.mean is not None
    assert spoilt.mean < 0.9


def test_frames_repeated_within_the_test_part_stay() -> None:
    features = normal(1)
    hashes = Parts(np.arange(1200), np.arange(2000, 2300), np.full(300, 9000))
    result = probe(features, features, ["x"], [False], hashes)
    assert result.duplicates == 0


def test_when_all_test_frames_were_seen_every_variable_is_dropped() -> None:
    features = normal(1)
    hashes = each(lambda x: np.zeros(len(x)), features)
    result = probe(features, features, ["x"], [False], hashes)
    assert result.dropped == {"x": "has no value in the test part"}
    assert (result.mean, result.groups, result.duplicates) == (None, {}, 300)


def test_a_class_that_only_the_test_part_has_counts_as_missed() -> None:
    """The third frame, of class 2, is answered 1: F1 of the classes 1, 3 and 2 are 2/3, 1, 0."""
    columns = [np.array([1.0, 3.0] * 30), np.array([1.0, 3.0]), np.array([1.0, 3.0, 2.0])]
    features = [np.eye(4)[column.astype(int)] for column in columns]
    features[2][2] = [0, 1, 0, 0]
    result = one(Parts(*features), Parts(*columns), True)
    assert result.mean == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert result.variables[0].classes == 2


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9])
@pytest.mark.parametrize("discrete", [True, False])
def test_a_feature_constant_in_training_has_no_say(constant: float, discrete: bool) -> None:
    features = normal(2)
    column = each(lambda x: thirds(x[:, 0]), features)
    spoilt = each(lambda x: np.c_[x, np.full(len(x), constant)], features)
    spoilt.test[:, 2] = 1e6
    assert one(spoilt, column, discrete) == one(features, column, discrete)


@pytest.mark.parametrize("discrete", [True, False])
def test_scales_and_offsets_of_features_do_not_matter(discrete: bool) -> None:
    features = normal(3)
    column = each(lambda x: thirds(x[:, 0]), features)
    wild = each(lambda x: x * [1e-9, 1e9, 1.0] + [0.0, 1e10, -5.0], features)
    expected = one(features, column, discrete).mean
    assert one(wild, column, discrete).mean == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("discrete", [True, False])
def test_the_penalty_guards_against_more_features_than_frames(discrete: bool) -> None:
    features = each(lambda x: x[:100], normal(200))
    column = each(lambda x: x[:, 0], each(lambda x: x[:100], normal(1, seed=1)))
    mean = one(features, each(thirds, column) if discrete else column, discrete).mean
    assert mean is not None
    assert -0.2 < mean < 0.5


def test_the_same_seed_gives_the_same_result() -> None:
    features = normal(4)
    column = each(lambda x: thirds(x[:, 0] + x[:, 1] ** 2), features)
    assert one(features, column, True, seed=3) == one(features, column, True, seed=3)


@pytest.mark.parametrize("discrete", [True, False])
def test_nothing_of_the_test_part_reaches_the_weights(
    discrete: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[NDArray[np.float64]] = []
    for name in ("fit_best_ridge", "fit_softmax"):
        fit = getattr(probes, name)

        def spy(*args: object, fit: object = fit) -> object:
            assert callable(fit)
            weights = fit(*args)
            seen.append(np.concatenate([np.ravel(w) for w in weights]))
            return weights

        monkeypatch.setattr(probes, name, spy)
    features = normal(4)
    column = each(lambda x: thirds(x[:, 0]), features)
    honest = one(features, column, discrete)
    other = one(features._replace(test=features.test * 9), column, discrete)
    turned = one(features, column._replace(test=2 - column.test), discrete)
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[0], seen[2])
    assert honest.mean is not None
    assert turned.mean is not None
    assert turned.mean < honest.mean
    assert other.rows == honest.rows


def test_a_class_that_only_validation_has_is_none() -> None:
    features = normal(2)
    column = each(lambda x: thirds(x[:, 0]), features)
    result = one(features, column._replace(validation=column.validation + 10), True)
    assert result.variables[0].classes == 3


def test_a_result_is_json() -> None:
    features = normal(2)
    state = each(lambda x: np.c_[x[:, 0], thirds(x[:, 1]), 0 * x[:, 0]], features)
    result = probe(features, state, ["a.x", "b.kind", "c.none"], [False, True, True])
    adapter = TypeAdapter(ProbeResult)
    found = json.loads(adapter.dump_json(result))
    assert adapter.validate_python(found) == result
    assert found["variables"][0]["kind"] == "r2"
    assert found["dropped"] == {"c.none": "entropy 0.00 nats, below 0.6"}


def test_features_that_are_not_numbers_are_refused() -> None:
    features = normal(2)
    features.validation[3, 1] = np.inf
    with pytest.raises(WorldvaeError, match="validation part are not finite"):
        one(features, each(lambda x: x[:, 0], features), False)


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"], ["a", "a"]])
def test_names_and_columns_belong_together(names: list[str]) -> None:
    with pytest.raises(ValueError, match=r"columns|name of its own"):
        probe(normal(2), normal(2), names, [False] * len(names))


def test_parts_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="test part differ"):
        probe(normal(2), normal(1)._replace(test=np.zeros((3, 1))), ["a"], [False])
