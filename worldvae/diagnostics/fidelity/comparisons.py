"""Dreamed codes beside real ones: of all windows, by policy, and for each temperature.

Shapes: W windows, N dreams of each, H horizons, D numbers of a code.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from worldvae.diagnostics.fidelity.metrics.bootstrap import EpisodeBootstrap
from worldvae.diagnostics.fidelity.metrics.climatology import DRAWS, climatology_scores
from worldvae.diagnostics.fidelity.metrics.ends import measure_ends, survival_distance
from worldvae.diagnostics.fidelity.metrics.horizon import HorizonJudgement
from worldvae.diagnostics.fidelity.metrics.open_loop import (
    CLIMATOLOGY,
    COPY_LAST,
    LEAST_WINDOWS,
    MEAN,
    OpenLoop,
    compare_errors,
    energy_score,
    squared_error,
)
from worldvae.diagnostics.fidelity.metrics.policies import PolicyEvents
from worldvae.diagnostics.fidelity.metrics.reference import measure_reference
from worldvae.diagnostics.fidelity.metrics.reward import measure_reward
from worldvae.diagnostics.fidelity.metrics.temperature import TEMPERATURES, TemperatureScore
from worldvae.diagnostics.fidelity.runs import DreamRuns
from worldvae.diagnostics.fidelity.subject import ExaminedDynamics
from worldvae.diagnostics.fidelity.windows import Flags
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
    judged = _judged_policies(runs)
    errors = _squares(runs) if judged else {}
    return {
        name: compare_errors(
            {each: values[rows][:, kept] for each, values in errors.items()},
            runs.mask[rows][:, kept],
            tuple(np.array(runs.horizons)[kept].tolist()),
            EpisodeBootstrap.of(runs.windows.episodes[rows], seed),
        )
        for name, (rows, kept) in judged.items()
    }


def compare_policy_events(runs: DreamRuns, seed: int) -> dict[str, PolicyEvents]:
    """Compare rewards and ends on the episodes of each policy, if several collected them."""
    found = {}
    for name, (rows, kept) in _judged_policies(runs).items():
        windows = runs.windows.chosen(rows)
        ahead, dreams = runs.ahead.chosen(rows), runs.dreams.chosen(rows)
        horizons = tuple(np.array(runs.horizons)[kept].tolist())
        bootstrap = EpisodeBootstrap.of(windows.episodes, seed)
        found[name] = PolicyEvents.of(
            measure_ends(windows, ahead, dreams, bootstrap),
            measure_reward(windows, ahead, dreams, horizons, bootstrap),
        )
    return found


def _judged_policies(runs: DreamRuns) -> dict[str, tuple[Flags, Flags]]:
    """Return the windows (W,) of each policy and the horizons (H,) that enough of them reach.

    It is empty if all windows are of one policy.
    """
    policies = runs.windows.policies
    names = np.unique(policies).tolist()
    pairs = {name: policies == name for name in names if len(names) > 1}
    judged = {name: (rows, runs.mask[rows].sum(0) >= LEAST_WINDOWS) for name, rows in pairs.items()}
    return {name: pair for name, pair in judged.items() if pair[1].any()}


def validation_runs(
    subject: ExaminedDynamics, horizons: tuple[int, ...], seed: int
) -> dict[float, DreamRuns]:
    """Return the dreams of the validation windows at each temperature."""
    windows, own = subject.windows.validation, derive(seed, "temperatures")
    return {each: DreamRuns(subject, windows, horizons, own, each) for each in TEMPERATURES}


def advised_horizon(runs: DreamRuns, bootstrap: EpisodeBootstrap) -> int:
    """Return for how many decisions the dreams of `runs` are to be trusted."""
    train, seed = runs.subject.windows.train, derive(runs.seed, "reference")
    reference = measure_reference(train, runs.windows, seed)
    codes, energy = compare_codes(runs, bootstrap), compare_samples(runs, bootstrap)
    return HorizonJudgement(codes, energy, reference.actions_tell).horizon


def score_temperatures(
    runs: Mapping[float, DreamRuns], bootstrap: EpisodeBootstrap
) -> tuple[TemperatureScore, ...]:
    """Compare the dreams at each temperature with what followed."""
    energies, survivals = [], []
    for each in runs.values():
        energy = energy_score(each.dreams.codes[:, :, each.places], each.truth)
        usual = climatology_scores(each.training_codes(DRAWS), each.truth)
        ratio = bootstrap.draws(energy * each.mask, usual * each.mask)
        energies.append(np.asarray(ratio.mean(1)))
        survivals.append(survival_distance(each.windows, each.dreams, bootstrap))
    totals = np.stack(energies) + np.stack(survivals)
    best = totals[totals[:, 0].argmin()]
    return tuple(
        TemperatureScore(
            temperature=temperature,
            energy=float(energies[place][0]),
            survival=float(survivals[place][0]),
            excess=bootstrap.interval(totals[place] - best),
        )
        for place, temperature in enumerate(runs)
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
