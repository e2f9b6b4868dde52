"""Dreamed codes beside real ones: of all windows, by policy, and for each temperature.

Shapes: W windows, N dreams of each, H horizons, D numbers of a code.
"""

from __future__ import annotations

import numpy as np

from worldvae.diagnostics.fidelity.metrics.bootstrap import EpisodeBootstrap
from worldvae.diagnostics.fidelity.metrics.climatology import DRAWS, climatology_scores
from worldvae.diagnostics.fidelity.metrics.ends import survival_distance
from worldvae.diagnostics.fidelity.metrics.open_loop import (
    BLIND,
    CLIMATOLOGY,
    COPY_LAST,
    LEAST_WINDOWS,
    MEAN,
    UNTRAINED,
    OpenLoop,
    compare_errors,
    energy_score,
    judged_horizons,
    squared_error,
)
from worldvae.diagnostics.fidelity.metrics.temperature import TEMPERATURES, TemperatureScore
from worldvae.diagnostics.fidelity.runs import DreamRuns
from worldvae.diagnostics.fidelity.subject import ExaminedDynamics
from worldvae.seeding import derive
from worldvae.stats import Array


def compare_codes(runs: DreamRuns, bootstrap: EpisodeBootstrap) -> OpenLoop:
    """Compare the squared errors of the means of dreams with those of the baselines."""
    return compare_errors(_squares(runs), runs.mask, runs.horizons, bootstrap)


def compare_samples(runs: DreamRuns, bootstrap: EpisodeBootstrap) -> OpenLoop:
    """Compare the energy scores of dreams with those of the baselines."""
    scores = {name: energy_score(each, runs.truth) for name, each in runs.samples.items()}
    scores[COPY_LAST] = energy_score(_standstill(runs), runs.truth)
    scores[CLIMATOLOGY] = climatology_scores(runs.training_codes(DRAWS), runs.truth)
    return compare_errors(scores, runs.mask, runs.horizons, bootstrap)


def compare_policies(runs: DreamRuns, seed: int) -> dict[str, OpenLoop]:
    """Compare the squared errors on the episodes of each policy, if several collected them."""
    policies = runs.windows.policies
    names = np.unique(policies).tolist()
    errors = _squares(runs) if len(names) > 1 else {}
    found = {}
    for name in names:
        rows = policies == name
        kept = runs.mask[rows].sum(0) >= LEAST_WINDOWS
        if errors and kept.any():
            found[name] = compare_errors(
                {each: values[rows][:, kept] for each, values in errors.items()},
                runs.mask[rows][:, kept],
                tuple(np.array(runs.horizons)[kept].tolist()),
                EpisodeBootstrap.of(runs.windows.episodes[rows], seed),
            )
    return found


def trusted_horizon(codes: OpenLoop, energy: OpenLoop, acted: bool) -> int:
    """Return the largest horizon at which dreams beat all baselines in both errors, 0 if none.

    The actions of other windows count only where actions are known to matter.
    """
    others = (BLIND, UNTRAINED) if acted else (UNTRAINED,)
    wins = zip(
        codes.horizons,
        codes.beats_all((COPY_LAST, MEAN, *others)),
        energy.beats_all((COPY_LAST, CLIMATOLOGY, *others)),
        strict=True,
    )
    return max((step for step, first, second in wins if first and second), default=0)


def score_temperatures(subject: ExaminedDynamics, seed: int) -> tuple[TemperatureScore, ...]:
    """Dream the validation windows at each temperature and compare what is dreamed."""
    windows = subject.windows.validation
    horizons = judged_horizons(windows.targets)
    bootstrap = EpisodeBootstrap.of(windows.episodes, derive(seed, "validation"))
    energies, survivals = [], []
    for temperature in TEMPERATURES:
        runs = DreamRuns(subject, windows, horizons, derive(seed, "temperatures"), temperature)
        energy = energy_score(runs.dreams.codes[:, :, runs.places], runs.truth)
        usual = climatology_scores(runs.training_codes(DRAWS), runs.truth)
        ratio = bootstrap.draws(energy * runs.mask, usual * runs.mask)
        energies.append(np.asarray(ratio.mean(1)))
        survivals.append(survival_distance(windows, runs.dreams, bootstrap))
    totals = np.stack(energies) + np.stack(survivals)
    best = totals[totals[:, 0].argmin()]
    return tuple(
        TemperatureScore(
            temperature=temperature,
            energy=float(energies[place][0]),
            survival=float(survivals[place][0]),
            excess=bootstrap.interval(totals[place] - best),
        )
        for place, temperature in enumerate(TEMPERATURES)
    )


def _squares(runs: DreamRuns) -> dict[str, Array]:
    """Return the squared error of each prediction: name -> (W, H)."""
    train = runs.subject.windows.train
    mean = train.codes[train.frames_seen].mean(0, dtype=np.float64)
    return {
        **{name: squared_error(each, runs.truth) for name, each in runs.samples.items()},
        COPY_LAST: squared_error(_standstill(runs), runs.truth),
        MEAN: np.square(runs.truth - mean).mean(-1),
    }


def _standstill(runs: DreamRuns) -> Array:
    """Return the start of each window as its only sample at each horizon: (W, 1, H, D)."""
    return np.repeat(runs.windows.starts[:, None, None], len(runs.horizons), axis=2)
