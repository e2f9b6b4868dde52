"""The factors of a world as logged frames show them: values, classes, halves, correlations.

Shapes: N frames, M frames that define one factor, Z latents, K factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import r2_score, recall_score

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Labels = NDArray[np.int64]

MIN_ROWS = 200  # on either side of the split, for the codes and for each factor
MAX_BINS = 20  # as in Locatello et al. (2019)
RESOLUTION = 1e-6  # what moves less, relative to its size, is rounding


@dataclass(frozen=True)
class Factor:
    """One factor on the frames that define it: codes (M, Z), values (M,), train (M,)."""

    codes: Array
    values: Array
    train: Flags
    discrete: bool

    @classmethod
    def where_defined(cls, codes: Array, values: Array, train: Flags, discrete: bool) -> Factor:
        """Keeps the frames in which the factor is not nan: (N, Z), (N,), (N,)."""
        rows = ~np.isnan(values)
        kept = values[rows]
        # Classifiers want classes, and a discrete value may be any number.
        labels = binned(kept, discrete=True).astype(np.float64) if discrete else kept
        return cls(codes[rows], labels, train[rows], bool(discrete))

    @cached_property
    def bins(self) -> Labels:
        """The values as classes: (M,)."""
        return binned(self.values, self.discrete)

    @property
    def usable(self) -> bool:
        """Whether the factor varies over enough frames on either side of the split."""
        sides = (self.values[self.train], self.values[~self.train])
        return all(len(side) >= MIN_ROWS and np.ptp(side) > 0 for side in sides)

    def skill(self, model: Any, codes: Array) -> float:
        """Held-out skill of a scikit-learn model on codes (M, any) after it learned on the rest.

        R^2, or balanced accuracy above chance over 1 - chance; at least 0. Plain accuracy would
        credit constant codes with the share of the commonest class.
        """
        model.fit(codes[self.train], self.values[self.train])
        predicted, truth = model.predict(codes[~self.train]), self.values[~self.train]
        if not self.discrete:
            return max(0.0, float(r2_score(truth, predicted)))
        classes = np.unique(truth)
        recall = recall_score(truth, predicted, labels=classes, average="macro", zero_division=0)
        chance = 1 / len(classes)
        return max(0.0, float(recall - chance) / (1 - chance))


def binned(values: Array, discrete: bool = False) -> Labels:
    """Classes of equal frequency, equal values in the same class: (M,) -> (M,).

    Discrete values, and up to MAX_BINS different ones, stay as they are. Otherwise
    B = min(MAX_BINS, sqrt(M / 5)) bins bound the bias of the plug-in mutual information,
    (B - 1)^2 / 2M nats for independent variables, by 0.1 (and 0.02 for M = 10,000).
    """
    distinct, labels, counts = np.unique(values, return_inverse=True, return_counts=True)
    if discrete or len(distinct) <= MAX_BINS:
        return np.asarray(labels, np.int64)
    bins = max(2, min(MAX_BINS, int(np.sqrt(len(values) / 5))))
    middle = np.cumsum(counts) - counts / 2  # so that a frequent value merges with no side of it
    return np.asarray(middle * bins / len(values), np.int64)[labels]


@dataclass(frozen=True)
class Correlation:
    """Two factors, by index, and the size of their correlation."""

    value: float
    first: int
    second: int


def largest_correlation(factors: ArrayLike, discrete: ArrayLike) -> Correlation | None:
    """The most correlated pair of factors (N, K); None if no two vary over MIN_ROWS.

    |Pearson's r| of two continuous factors; in general the first canonical correlation, where a
    discrete factor enters as the indicators of its values. Linear: a dependence with r = 0 stays
    unseen.
    """
    values, kinds = np.asarray(factors, np.float64), np.asarray(discrete, bool)
    columns = _Columns(values, kinds)
    pairs = [(a, b) for b in range(len(kinds)) for a in range(b)]
    found = [Correlation(columns.canonical_correlation(*pair), *pair) for pair in pairs]
    return max((c for c in found if not np.isnan(c.value)), key=lambda c: c.value, default=None)


class _Columns:
    """Factors (N, K), pairs of which are compared where both are defined."""

    def __init__(self, values: Array, discrete: Flags) -> None:
        self._values, self._discrete = values, discrete
        self._defined = ~np.isnan(values)
        self._whole: dict[int, Array] = {}

    def canonical_correlation(self, a: int, b: int) -> float:
        """The first one; nan if there are too few frames, or if either is constant."""
        rows = self._defined[:, a] & self._defined[:, b]
        first, second = self._basis(a, rows), self._basis(b, rows)
        if rows.sum() < MIN_ROWS or not (first.size and second.size):
            return np.nan
        return min(1.0, float(np.linalg.norm(first.T @ second, ord=2)))

    def _basis(self, k: int, rows: Flags) -> Array:
        """Over all frames it is the same in each pair, and takes longest for many classes."""
        if not rows.all():
            return _basis(self._values[rows, k], self._discrete[k])
        if k not in self._whole:
            self._whole[k] = _basis(self._values[:, k], self._discrete[k])
        return self._whole[k]


def _basis(values: Array, discrete: bool) -> Array:
    """Orthonormal functions of the factor with mean 0, none if it is constant: (M,) -> (M, c)."""
    if len(values) == 0 or np.ptp(values) == 0:
        return np.empty((len(values), 0))
    columns = np.stack([values == v for v in np.unique(values)], axis=1) if discrete else values
    centred = columns.reshape(len(values), -1) - columns.mean(axis=0)
    u, size, _ = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(u[:, size > RESOLUTION * size[0]])
