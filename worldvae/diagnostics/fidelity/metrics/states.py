"""What dreams say of the true state, read by linear probes of the code.

Shapes: W windows, N dreams of each, K decisions, H horizons, D numbers of a code, V variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from worldvae.diagnostics.fidelity.metrics.bootstrap import EpisodeBootstrap
from worldvae.diagnostics.fidelity.metrics.open_loop import (
    COPY_LAST,
    MEAN,
    OpenLoop,
    compare_errors,
)
from worldvae.diagnostics.fidelity.windows import Windows
from worldvae.diagnostics.metrics.linear_models import apply, fit_best_ridge
from worldvae.diagnostics.metrics.variables import Parts, reason_to_drop, variables_of
from worldvae.diagnostics.splits import Splits
from worldvae.envs import StateVariable
from worldvae.json_files import Content
from worldvae.stats import Array

LEAST_R2 = 0.3
"""A variable that a probe of real codes cannot read says nothing about a dream."""

CODE = "real_code"
"""What the probe reads from the real code: the least error that dreams can have."""

NOT_READ = "no variable of the true state can be read from the latents by a linear probe"


class DreamedState(Content):
    """The errors of probed variables, in units of their variance in training."""

    loop: OpenLoop
    variables: dict[str, float] = Field(description="Variable -> R2 of its probe on real codes.")


@dataclass(frozen=True)
class _Probe:
    """A linear probe of one variable, (D + 1,), in units of its deviation in training."""

    column: int
    name: str
    weights: Array
    centre: float
    deviation: float
    r2: float

    def read(self, codes: NDArray[np.floating]) -> Array:
        """Return the variable, standardised: (..., D) -> (...)."""
        return np.asarray((codes @ self.weights[:-1] + self.weights[-1]).astype(np.float64))

    def true(self, windows: Windows, horizons: tuple[int, ...]) -> Array:
        """Return its true value, standardised, at each horizon: (W, H)."""
        state = windows.state[:, windows.past + np.array(horizons), self.column]
        return np.asarray((state - self.centre) / self.deviation)


def measure_states(
    splits: Splits[Windows],
    variables: Sequence[StateVariable],
    dreams: Mapping[str, NDArray[np.floating]],
    horizons: tuple[int, ...],
    seed: int,
) -> DreamedState | None:
    """Compare the probed state of dreams, name -> (W, N, H, D), with the true one.

    None if no variable can be read.
    """
    probes = _fit(splits, variables)
    if not probes:
        return None
    test = splits.test
    targets = test.targets[:, np.array(horizons) - 1]
    sums: dict[str, Array] = {}
    known = np.zeros(targets.shape)
    for probe in probes:
        true = probe.true(test, horizons)
        has_value = targets & np.isfinite(true)
        known += has_value
        for name, error in _errors(probe, test, true, dreams, horizons).items():
            sums[name] = sums.get(name, np.zeros(targets.shape)) + np.where(has_value, error, 0)
    mask = known > 0
    if not mask.any(0).all():
        return None
    bootstrap = EpisodeBootstrap.of(test.episodes, seed)
    return DreamedState(
        loop=compare_errors(sums, mask, horizons, bootstrap, known),
        variables={probe.name: probe.r2 for probe in probes},
    )


def _errors(
    probe: _Probe,
    test: Windows,
    true: Array,
    dreams: Mapping[str, NDArray[np.floating]],
    horizons: tuple[int, ...],
) -> dict[str, Array]:
    """Return the squared error of each prediction: name -> (W, H)."""
    found = {
        COPY_LAST: np.square(probe.read(test.starts)[:, None] - true),
        MEAN: np.square(true),
        CODE: np.square(probe.read(test.truth[:, np.array(horizons) - 1]) - true),
    }
    for name, codes in dreams.items():
        read = probe.read(codes)
        spread = read.var(1, ddof=1) / read.shape[1]
        found[name] = np.square(read.mean(1) - true) - spread
    return found


def _fit(splits: Splits[Windows], variables: Sequence[StateVariable]) -> list[_Probe]:
    """Fit a probe of each variable that varies, and keep those that read it well."""
    codes = splits.each(lambda windows: _decided(windows, windows.codes))
    state = splits.each(lambda windows: _decided(windows, windows.state))
    columns = variables_of(state, [v.name for v in variables], [False] * len(variables))
    probes = [
        _fit_one(codes, column.values, number, column.name)
        for number, column in enumerate(columns)
        if not reason_to_drop(column)
    ]
    return [probe for probe in probes if probe.r2 >= LEAST_R2]


def _decided(windows: Windows, values: NDArray[Any]) -> NDArray[np.float64]:
    """Return values (W, P + K + 1, n) at the frames that a decision of the episode follows."""
    return np.asarray(values[windows.frames_seen], np.float64)


def _fit_one(codes: Parts, values: Parts, number: int, name: str) -> _Probe:
    known = values.each(np.isfinite)
    centre = float(values.train[known.train].mean())
    deviation = float(values.train[known.train].std())
    y = values.each(lambda part: (part - centre) / deviation)
    best = fit_best_ridge(codes, y)
    test = y.test[known.test]
    error = np.square(apply(codes.test[known.test], best) - test).mean()
    return _Probe(number, name, best, centre, deviation, float(1 - error / test.var()))
