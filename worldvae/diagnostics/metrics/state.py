"""Measurements with the true state: linear probes with floors and a ceiling, and disentanglement.

Shapes: B frames, Z latents, S state variables.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from worldvae.autoencoders.encoder import Encoder
from worldvae.diagnostics.examination import Sample
from worldvae.diagnostics.metrics.disentanglement import (
    MAX_CLASSES,
    Disentanglement,
    PerFactorScores,
    disentanglement,
)
from worldvae.diagnostics.metrics.factors import Correlation, largest_correlation
from worldvae.diagnostics.metrics.jackknife import (
    EpisodeInterval,
    groups_without_each,
    interval,
)
from worldvae.diagnostics.metrics.linear_models import Array
from worldvae.diagnostics.metrics.probes import ProbeReadings, read
from worldvae.diagnostics.metrics.variables import Parts
from worldvae.diagnostics.splits import Splits
from worldvae.envs import StateVariable
from worldvae.errors import WorldvaeError
from worldvae.indices import evenly
from worldvae.json_files import Content

# The size of the scored codes: wide codes are scored on fewer frames, since they take minutes.
SCORED_NUMBERS, SCORED_AT_LEAST = 1_000_000, 2_000
NO_VARIABLES = "no state variable varies enough to be probed; collect more episodes"
ALL_SEEN = (
    "every test frame is also a frame of training, so probes have nothing new to be tried on: the "
    "environment shows few different frames, or the rollouts visit few; collect with other policies"
)
KEPT_FEATURES = ("latents", "pixels", "majority")
TOO_FEW_VARIABLES = "fewer than 2 state variables vary enough to be told apart"


class ProbedVariable(Content):
    """The probe scores of one variable, one for each set of features."""

    name: str
    group: str
    kind: Literal["r2", "f1"]
    classes: int | None = Field(description="Values in training, of a discrete variable.")
    scores: dict[str, float] = Field(description="Features -> held-out score, R2 below 0 too.")


class Probes(Content):
    """The scores of linear probes, one set for each kind of features.

    They are `latents`, the floors `majority` (commonest class or mean), `pixels` (downsampled) and
    `untrained` (the same network with random weights), and on request the ceiling `supervised`.
    """

    variables: tuple[ProbedVariable, ...]
    groups: dict[str, dict[str, float]] = Field(
        description="Group -> features -> mean of the scores, those below 0 counted as 0."
    )
    mean: dict[str, float] = Field(description="Features -> mean over groups.")
    dropped: dict[str, str] = Field(description="Variable -> why it was not probed.")
    rows: dict[str, int] = Field(description="Frames of each part.")
    duplicates: int = Field(description="Test frames left out, since training has them too.")
    gained: EpisodeInterval | None = Field(
        None, description="Mean of `latents` less that of `untrained`; null of few test episodes."
    )
    kept: dict[str, EpisodeInterval] = Field(
        {},
        description="Group -> what `latents` gain over `majority` as a share of what `pixels` do, "
        "unless these gain nothing.",
    )


class FactorScores(Content):
    """The disentanglement scores of one variable."""

    name: str
    mig: float
    sap: float
    completeness: float | None
    informativeness: float
    factor_vae: float


class DisentanglementScores(Content):
    """MIG, SAP, DCI and FactorVAE, 0 to 1; see `worldvae.diagnostics.metrics.disentanglement`."""

    mig: float
    sap: float
    dci_disentanglement: float | None
    dci_completeness: float | None
    dci_informativeness: float
    factor_vae: float
    factor_vae_chance: float = Field(description="What codes without information score.")
    variables: tuple[FactorScores, ...]
    importance: tuple[tuple[float, ...], ...] = Field(
        description="Z rows, a column for each of `variables`: what a forest uses to tell it."
    )
    skipped: tuple[str, ...] = Field(description="Variables that hardly vary.")
    largest_correlation: float | None = Field(description="Of two variables, whatever the code.")
    correlated: tuple[str, str] | None = Field(description="Which two these are.")
    rows: int


def probe_state(
    samples: Splits[Sample],
    variables: tuple[StateVariable, ...],
    encoder: Encoder,
    supervised: Parts | None,
    seed: int,
) -> Probes | None:
    """Fit and score probes of all features; return None if no variable can be probed."""
    features: dict[str, Parts] = {
        "latents": samples.each(lambda sample: encoder.whiten(sample.codes)),
        "majority": samples.each(lambda sample: np.zeros((len(sample.codes), 0))),
        "pixels": samples.each(lambda sample: sample.pixels),
        "untrained": samples.each(lambda sample: sample.untrained),
    }
    if supervised:
        features["supervised"] = supervised
    names, discrete = [v.name for v in variables], [v.discrete for v in variables]
    state = samples.each(lambda sample: sample.state)
    hashes = samples.each(lambda sample: sample.hashes)
    readings = {
        name: read(parts, state, names, discrete, hashes, seed) for name, parts in features.items()
    }
    return _probes(readings, samples.test.episodes)


def why_not_probed(samples: Splits[Sample]) -> str:
    """Return the reason why no variable could be probed."""
    known = np.concatenate([samples.train.hashes, samples.validation.hashes])
    return ALL_SEEN if np.isin(samples.test.hashes, known).all() else NO_VARIABLES


def _probes(readings: Mapping[str, ProbeReadings], episodes: NDArray[np.int64]) -> Probes | None:
    """Return the scores, with intervals over the episodes of the test frames (B,)."""
    results = {name: each.result for name, each in readings.items()}
    first = results["latents"]
    if not first.variables:
        return None
    return Probes(
        variables=tuple(
            ProbedVariable(
                name=variable.variable,
                group=variable.group,
                kind=variable.kind,
                classes=variable.classes,
                scores={name: result.variables[i].score for name, result in results.items()},
            )
            for i, variable in enumerate(first.variables)
        ),
        groups={
            group: {name: result.groups[group] for name, result in results.items()}
            for group in first.groups
        },
        mean={name: result.mean for name, result in results.items() if result.mean is not None},
        dropped=dict(first.dropped),
        rows=dict(first.rows),
        duplicates=first.duplicates,
        **_intervals(readings, episodes),
    )


def _intervals(
    readings: Mapping[str, ProbeReadings], episodes: NDArray[np.int64]
) -> dict[str, Any]:
    """Return the fields of `Probes` that compare features over the same test episodes."""
    groups = {
        name: groups_without_each(each.variables, episodes[each.fresh])
        for name, each in readings.items()
    }
    means = {name: np.mean(list(scores.values()), axis=0) for name, scores in groups.items()}
    kept = {
        name: _kept(*(groups[features][name] for features in KEPT_FEATURES))
        for name in groups[KEPT_FEATURES[0]]
    }
    return {
        "gained": interval(means["latents"] - means["untrained"]),
        "kept": {name: share for name, share in kept.items() if share},
    }


def _kept(latents: Array, pixels: Array, majority: Array) -> EpisodeInterval | None:
    """Return the share of what pixels gain that latents do; None if a single episode decides it."""
    gains = pixels - majority
    return interval((latents - majority) / gains) if (gains > 0).all() else None


def score_disentanglement(
    samples: Splits[Sample], variables: tuple[StateVariable, ...], seed: int
) -> tuple[DisentanglementScores | None, str | None]:
    """Score frames of all splits; return the scores and None, or None and the reason."""
    codes = np.concatenate([sample.codes for sample in samples])
    rows = evenly(len(codes), max(SCORED_AT_LEAST, SCORED_NUMBERS // codes.shape[1]))
    factors = np.concatenate([sample.state for sample in samples])[rows]
    episodes = np.unique(_owners(samples), axis=0, return_inverse=True)[1].ravel()[rows]
    discrete = _few_values(factors, variables)
    try:
        scores = disentanglement(codes[rows], factors, discrete, seed, episodes)
    except WorldvaeError as error:
        return None, str(error)
    used = [k for k in range(len(variables)) if k not in scores.skipped_factors]
    if len(used) < 2:
        return None, TOO_FEW_VARIABLES
    correlation = largest_correlation(factors[:, used], discrete[used])
    return _named(scores, [v.name for v in variables], used, correlation), None


def _named(
    scores: Disentanglement, names: list[str], used: list[int], correlation: Correlation | None
) -> DisentanglementScores:
    """Return the scores of the variables `used`, with their names.

    The indices in `correlation` count these variables only.
    """
    pair = (correlation.first, correlation.second) if correlation else None
    return DisentanglementScores(
        mig=scores.mig,
        sap=scores.sap,
        dci_disentanglement=_number(scores.dci_disentanglement),
        dci_completeness=_number(scores.dci_completeness),
        dci_informativeness=scores.dci_informativeness,
        factor_vae=scores.factor_vae,
        factor_vae_chance=1 / len(used),
        variables=tuple(_factor_scores(scores.per_factor, k, names[k]) for k in used),
        importance=tuple(tuple(row) for row in scores.importance[:, used].tolist()),
        skipped=tuple(names[k] for k in scores.skipped_factors),
        largest_correlation=correlation.value if correlation else None,
        correlated=(names[used[pair[0]]], names[used[pair[1]]]) if pair else None,
        rows=scores.rows,
    )


def _factor_scores(scores: PerFactorScores, k: int, name: str) -> FactorScores:
    return FactorScores(
        name=name,
        mig=scores.mig[k],
        sap=scores.sap[k],
        completeness=_number(scores.completeness[k]),
        informativeness=scores.informativeness[k],
        factor_vae=scores.factor_vae[k],
    )


def has_state(samples: Splits[Sample]) -> bool:
    """Return whether every split has frames with a known state."""
    return all(np.isfinite(sample.state).any() for sample in samples)


def _owners(samples: Splits[Sample]) -> NDArray[np.int64]:
    """Return the split and the episode of each frame: (B, 2)."""
    pairs = [
        np.stack([np.full_like(sample.episodes, split), sample.episodes], axis=1)
        for split, sample in enumerate(samples)
    ]
    return np.concatenate(pairs)


def _few_values(
    factors: NDArray[np.float64], variables: tuple[StateVariable, ...]
) -> NDArray[np.bool_]:
    """Return which variables are categories; discrete ones of many values count as continuous."""
    values = [len(np.unique(column[~np.isnan(column)])) for column in factors.T]
    pairs = zip(variables, values, strict=True)
    return np.array([v.discrete and count <= MAX_CLASSES for v, count in pairs])


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
