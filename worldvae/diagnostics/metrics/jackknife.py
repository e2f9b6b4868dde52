"""Intervals of probe scores over test episodes, by leaving out one episode at a time.

Frames of one episode are alike, so the episode is the unit. Unlike a percentile bootstrap the
jackknife with Student's t is not too sure of itself with few of them.
Shapes: B test frames, E episodes, K classes. (1 + E,) are a value with all episodes, then without
each of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from worldvae.diagnostics.metrics.linear_models import UNDEFINED, Array, ClassNumbers
from worldvae.diagnostics.metrics.probes import VariableReading
from worldvae.json_files import Content
from worldvae.stats import CONFIDENCE

LEAST_EPISODES = 5
LEAST_SUM = 1e-12
"""Smaller sums are rounding."""


class EpisodeInterval(Content):
    """A value with its 95 % interval over test episodes."""

    value: float
    low: float
    high: float


def interval(values: Array) -> EpisodeInterval | None:
    """Return the jackknife interval of (1 + E,); None with fewer than LEAST_EPISODES episodes.

    Tukey (1958): the squared standard error is (E - 1) / E times the sum of the squared deviations.
    """
    value, without = float(values[0]), values[1:]
    episodes = len(without)
    if episodes < LEAST_EPISODES:
        return None
    error = np.sqrt((episodes - 1) * without.var())
    reach = float(student.ppf((1 + CONFIDENCE) / 2, episodes - 1) * error)
    return EpisodeInterval(value=value, low=value - reach, high=value + reach)


def groups_without_each(
    readings: Sequence[VariableReading], episodes: NDArray[np.int64]
) -> dict[str, Array]:
    """Return the mean score of each group, as probes count it: group -> (1 + E,).

    `episodes` are those of the test frames that were read: (B,).
    """
    names, owners = np.unique(episodes, return_inverse=True)
    weights = np.vstack([np.ones(len(names)), 1 - np.eye(len(names))])
    members: dict[str, list[Array]] = {}
    for reading in readings:
        score = _f1 if reading.score.kind == "f1" else _r2
        scores = score(reading, owners.ravel(), weights)
        members.setdefault(reading.score.group, []).append(scores.clip(min=0))
    return {group: np.mean(values, axis=0) for group, values in members.items()}


def _r2(reading: VariableReading, owners: NDArray[np.int64], weights: Array) -> Array:
    """Return R^2 under each row of weights: (B,), (1 + E, E) -> (1 + E,); 0 if nothing varies."""
    rows = ~np.isnan(reading.truth)
    truth, guess, owners = reading.truth[rows], reading.guess[rows], owners[rows]
    truth, guess = truth - truth.mean(), guess - truth.mean()
    columns = (np.ones(len(truth)), truth, truth**2, (truth - guess) ** 2)
    frames, total, squares, errors = (
        weights @ np.bincount(owners, column, weights.shape[1]) for column in columns
    )
    spread = squares - total**2 / frames.clip(min=1)
    varies = spread > LEAST_SUM * max(spread[0], LEAST_SUM)
    return np.where(varies, 1 - errors / np.where(varies, spread, 1), 0.0)


def _f1(reading: VariableReading, owners: NDArray[np.int64], weights: Array) -> Array:
    """Return the weighted F1 under each row of weights: (B,), (1 + E, E) -> (1 + E,)."""
    rows = reading.truth != UNDEFINED
    truth, guess, owners = reading.truth[rows], reading.guess[rows], owners[rows]
    classes = 1 + int(max(truth.max(), guess.max()))

    def count(labels: ClassNumbers, of: NDArray[np.int64]) -> Array:
        """Count frames of each class: (1 + E, K)."""
        size = weights.shape[1] * classes
        return weights @ np.bincount(of * classes + labels, minlength=size).reshape(-1, classes)

    hits = count(truth[truth == guess], owners[truth == guess])
    truly, said = count(truth, owners), count(guess, owners)
    each = 2 * hits / (truly + said).clip(min=1)
    return np.asarray((truly * each).sum(1) / truly.sum(1).clip(min=1))
