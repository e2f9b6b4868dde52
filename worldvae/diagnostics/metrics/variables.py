"""The state variables that probes predict: their values in each part, and which can be scored.

As in AtariARI's published code, discrete variables with an entropy below 0.6 nats (not normalised)
are dropped; unlike there, only the training part counts. A continuous variable is dropped if it is
constant, or if its deviation in the test part is below LEAST_SPREAD of that in training. R^2 is
relative to the test variance, so that even a good map, whose error is a hundredth of the training
variance, would score below 0, and -1e12 if almost nothing varies.

Shapes: B frames, V variables, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldvae.diagnostics.metrics.linear_models import UNDEFINED, Array, ClassNumbers
from worldvae.diagnostics.splits import Splits

MIN_ENTROPY = 0.6  # nats
LEAST_SPREAD = 0.1  # test deviation in units of that of training


Parts = Splits[NDArray[Any]]
"""An array for each split, with a row per frame."""


@dataclass(frozen=True)
class Variable:
    """One column of the state, with its name and type."""

    name: str
    discrete: bool
    values: Parts
    """float64, nan in frames without a value: (B,)."""

    @property
    def group(self) -> str:
        return self.name.split(".")[0]


def variables_of(state: Parts, names: Sequence[str], discrete: Sequence[bool]) -> list[Variable]:
    """Return each column of the state (B, V) as a variable."""
    columns = [
        Splits(*(part[:, v].astype(np.float64) for part in state)) for v in range(len(names))
    ]
    return [Variable(*each) for each in zip(names, discrete, columns, strict=True)]


def reason_to_drop(variable: Variable) -> str | None:
    """Return why the variable cannot be scored, or None if it can; features do not matter."""
    defined = {name: _defined(part) for name, part in variable.values._asdict().items()}
    empty = [name for name, values in defined.items() if not len(values)]
    if empty:
        return f"has no value in the {empty[0]} part"
    if variable.discrete:
        nats = entropy(defined["train"])
        # AtariARI drops what is below, so the threshold itself stays
        return f"entropy {nats:.2f} nats, below {MIN_ENTROPY}" if nats < MIN_ENTROPY else None
    constant = [name for name in ("train", "test") if np.ptp(defined[name]) == 0]
    if constant:
        return f"constant in the {constant[0]} part"
    spread = defined["test"].std() / defined["train"].std()
    if spread < LEAST_SPREAD:
        return f"hardly varies in the test part: deviation {spread:.1g} of that in training"
    return None


def entropy(values: NDArray[Any]) -> float:
    """Return the entropy of the frequencies of values, in nats: (B,) -> scalar."""
    shares = np.unique(values, return_counts=True)[1] / len(values)
    return float((shares * np.log(1 / shares)).sum())


def class_numbers(values: Parts) -> Parts:
    """Return the index of each value among the K values of training, K for others: (B,) -> (B,)."""
    known = np.unique(_defined(values.train))
    return values.each(lambda part: _places(part, known))


def _places(values: Array, known: Array) -> ClassNumbers:
    places = np.searchsorted(known, values).clip(max=len(known) - 1)
    places = np.where(known[places] == values, places, len(known))
    return np.where(np.isnan(values), UNDEFINED, places)


def _defined(values: Array) -> Array:
    return values[~np.isnan(values)]
