"""The factors of a world in recorded frames: their values, classes and correlations.

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
RESOLUTION = 1e-6  # smaller variation, relative to the size of a number, is rounding


@dataclass(frozen=True)
class Factor:
    """One factor in the frames that define it: codes (M, Z), values (M,), train (M,)."""

    codes: Array
    values: Array
    train: Flags
    discrete: bool

    @classmethod
    def where_defined(cls, codes: Array, values: Array, train: Flags, discrete: bool) -> Factor:
        """Return the factor in the frames in which it is not nan: (N, Z), (N,), (N,)."""
        rows = ~np.isnan(values)
        kept = values[rows]
        # Classifiers need classes 0, 1, ..., and a discrete value may be any number.
        labels = binned(kept, discrete=True).astype(np.float64) if discrete else kept
        return cls(codes[rows], labels, train[rows], bool(discrete))

    @cached_property
    def bins(self) -> Labels:
        """The class of each value: (M,)."""
        return binned(self.values, self.discrete)

    @property
    def usable(self) -> bool:
        """Whether the factor varies, and over enough frames, in both halves."""
        sides = (self.values[self.train], self.values[~self.train])
        return all(len(side) >= MIN_ROWS and np.ptp(side) > 0 for side in sides)

    def skill(self, model: Any, codes: Array) -> float:
        """Fit a scikit-learn model to the training half and return its skill on the other half.

        `codes` are (M, any). Skill is R^2, or for a discrete factor (accuracy - chance) / (1 -
        chance) with balanced accuracy, and at least 0. Plain accuracy would credit constant codes
        with the share of the commonest class.
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
    """Sort values into classes of equal frequency, equal values into the same class: (M,) -> (M,).

    Discrete values, and up to MAX_BINS different ones, have a class each. Otherwise
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
    """The indices of two factors, and the absolute value of their correlation."""

    value: float
    first: int
    second: int


def largest_correlation(factors: ArrayLike, discrete: ArrayLike) -> Correlation | None:
    """Return the most correlated pair of factors (N, K); None if no two vary over MIN_ROWS frames.

    The correlation of two continuous factors is |Pearson's r|. In general it is the first canonical
    correlation, for which a discrete factor is one-hot. It is linear: a dependence with r = 0 is
    not detected.
    """
    values, kinds = np.asarray(factors, np.float64), np.asarray(discrete, bool)
    columns = _Columns(values, kinds)
    pairs = [(a, b) for b in range(len(kinds)) for a in range(b)]
    found = [Correlation(columns.canonical_correlation(*pair), *pair) for pair in pairs]
    return max((c for c in found if not np.isnan(c.value)), key=lambda c: c.value, default=None)


class _Columns:
    """Correlates pairs of factors (N, K) over the frames in which both are defined."""

    def __init__(self, values: Array, discrete: Flags) -> None:
        self._values, self._discrete = values, discrete
        self._defined = ~np.isnan(values)
        self._whole: dict[int, Array] = {}

    def canonical_correlation(self, a: int, b: int) -> float:
        """Return the first canonical correlation; nan for too few frames or a constant factor."""
        rows = self._defined[:, a] & self._defined[:, b]
        first, second = self._basis(a, rows), self._basis(b, rows)
        if rows.sum() < MIN_ROWS or not (first.size and second.size):
            return np.nan
        return min(1.0, float(np.linalg.norm(first.T @ second, ord=2)))

    def _basis(self, k: int, rows: Flags) -> Array:
        """Return the basis of factor k over `rows`; over all frames it is computed only once."""
        if not rows.all():
            return _basis(self._values[rows, k], self._discrete[k])
        if k not in self._whole:
            self._whole[k] = _basis(self._values[:, k], self._discrete[k])
        return self._whole[k]


def _basis(values: Array, discrete: bool) -> Array:
    """Return orthonormal functions of the factor with mean 0: (M,) -> (M, c), c = 0 if constant."""
    if len(values) == 0 or np.ptp(values) == 0:
        return np.empty((len(values), 0))
    columns = np.stack([values == v for v in np.unique(values)], axis=1) if discrete else values
    centred = columns.reshape(len(values), -1) - columns.mean(axis=0)
    u, size, _ = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(u[:, size > RESOLUTION * size[0]])
