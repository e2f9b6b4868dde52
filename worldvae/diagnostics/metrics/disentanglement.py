"""Scores of how well latents separate the factors of a world: MIG, SAP, DCI and FactorVAE.

They need only the labels of recorded frames: factors may be correlated, continuous or discrete, and
come from any policy. For that the estimators differ from the papers' and scores cannot be set
beside published ones: MIG bins latents by equal frequency (0.99 on heavy-tailed codes where equal
widths give 0.53), DCI takes the importances of a forest (0.77 on noisy codes where boosted trees
have 0.16), SAP of a discrete factor is rescaled by chance, and a vote of FactorVAE looks at 300
frames. Shapes: N frames, Z latents, K factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import GroupShuffleSplit

from worldvae.diagnostics.metrics import disentanglement_scores as scores
from worldvae.diagnostics.metrics.factors import MIN_ROWS, RESOLUTION, Array, Factor, Flags, Labels
from worldvae.errors import ConfigError
from worldvae.seeding import derive, numpy_stream

MAX_ROWS = 10_000
MAX_CLASSES = 100


@dataclass(frozen=True, eq=False)
class PerFactorScores:
    """The scores of each factor: (K,) each, nan for a skipped factor."""

    mig: Array
    sap: Array
    completeness: Array
    informativeness: Array
    factor_vae: Array


@dataclass(frozen=True, eq=False)
class Disentanglement:
    """Scores from 0 to 1, higher is better; nan if a score is undefined.

    With one latent completeness is undefined, with one factor `dci_disentanglement` and
    `factor_vae`. The chance level is 0, but 1 / K for `factor_vae`.

    Correlated factors lower the scores that even perfect codes can reach, so that scores have to be
    read beside `factors.largest_correlation`. MIG and SAP fall since a latent then also informs
    about other factors (perfect codes of two factors that share I nats have a MIG of 1 - I / H),
    `factor_vae` since fixing one factor narrows the others, DCI least, since trees prefer the best
    latent. A factor that is not encoded, with a low `per_factor.informativeness`, still spreads an
    importance of 1 over the latents, which makes `dci_disentanglement` misleading.
    """

    mig: float
    sap: float
    dci_disentanglement: float
    dci_completeness: float
    dci_informativeness: float
    factor_vae: float
    per_factor: PerFactorScores
    disentanglement_of_latent: Array  # (Z,), 0 for an unused latent
    importance: Array  # (Z, K), a column sums to 1, to 0 if no latent helps; nan if it is skipped
    skipped_factors: tuple[int, ...]  # constant, or defined in too few frames
    constant_latents: tuple[int, ...]
    rows: int


def disentanglement(
    codes: ArrayLike,
    factors: ArrayLike,
    discrete: ArrayLike,
    seed: int,
    episodes: ArrayLike | None = None,
) -> Disentanglement:
    """Return all scores of codes (N, Z) for factors (N, K); `discrete` (K,) marks categories.

    A factor is nan in a frame in which it is undefined. All scores but MIG are fitted on one half
    of the frames and computed on the other. `episodes` (N,) keeps each episode in one half; without
    it, near copies of training frames leak into the held-out half. Of a larger table MAX_ROWS
    random rows are used. Raises ConfigError if no factor varies over enough frames, or if codes or
    factors cannot be scored.
    """
    z, values, kinds = _checked(codes, factors, discrete)
    rows = _subsample(len(z), seed)
    z, constant = _standardised(z[rows])
    train = _training_half(rows if episodes is None else np.asarray(episodes)[rows], seed)
    columns = zip(values[rows].T, kinds, strict=True)
    table = [Factor.where_defined(z, column, train, kind) for column, kind in columns]
    used = [k for k, factor in enumerate(table) if factor.usable]
    if not used:
        raise ConfigError(
            f"no factor varies over {MIN_ROWS} frames on either side of the split; "
            "collect more episodes or label more of the state"
        )
    return _score(table, used, constant, len(rows), seed)


def _score(
    table: list[Factor], used: list[int], constant: tuple[int, ...], rows: int, seed: int
) -> Disentanglement:
    """Return the scores of the factors `used` in the table."""
    factors, K = [table[k] for k in used], len(table)
    trees = [
        scores.importance_and_skill(table[k], derive(seed, "disentanglement", "trees", k))
        for k in used
    ]
    importance = np.stack([column for column, _ in trees], axis=1)
    of_factor: dict[str, Array | list[float]] = {
        "mig": [scores.information_gap(f.codes, f.bins) for f in factors],
        "sap": [scores.top_gap(scores.attribute_predictability(f)) for f in factors],
        "completeness": scores.concentration(importance.T),
        "informativeness": [skill for _, skill in trees],
        "factor_vae": scores.factor_vae_accuracy(
            factors, numpy_stream(seed, "disentanglement", "votes")
        ),
    }
    mean = {name: float(np.mean(values)) for name, values in of_factor.items()}
    return Disentanglement(
        mig=mean["mig"],
        sap=mean["sap"],
        dci_disentanglement=scores.mean_disentanglement(importance),
        dci_completeness=mean["completeness"],
        dci_informativeness=mean["informativeness"],
        factor_vae=mean["factor_vae"],
        per_factor=PerFactorScores(**{k: _spread(v, used, K) for k, v in of_factor.items()}),
        disentanglement_of_latent=scores.concentration(importance),
        importance=_spread(importance, used, K),
        skipped_factors=tuple(k for k in range(K) if k not in used),
        constant_latents=constant,
        rows=rows,
    )


def _spread(values: ArrayLike, used: list[int], K: int) -> Array:
    """Put the columns of the factors `used` among K columns of nan: (..., k) -> (..., K)."""
    columns = np.asarray(values, np.float64)
    placed = np.full((*columns.shape[:-1], K), np.nan)
    placed[..., used] = columns
    return placed


def _standardised(codes: Array) -> tuple[Array, tuple[int, ...]]:
    """Return latents (N, Z) of mean 0 and variance 1, constant ones as 0, and which those are."""
    alive = np.ptp(codes, axis=0) > RESOLUTION * np.abs(codes).max(axis=0)
    centred = codes - codes.mean(axis=0)
    scaled = np.divide(centred, codes.std(axis=0), out=np.zeros_like(codes), where=alive)
    return scaled, tuple(np.flatnonzero(~alive).tolist())


def _subsample(n: int, seed: int) -> Labels:
    generator = numpy_stream(seed, "disentanglement", "rows")
    return np.sort(generator.choice(n, min(n, MAX_ROWS), replace=False))


def _training_half(groups: NDArray[Any], seed: int) -> Flags:
    """Return which rows belong to a random half of the groups: (N,) -> (N,)."""
    if len(np.unique(groups)) < 2:
        raise ConfigError("one episode has no held-out half; collect at least 2 episodes")
    split = GroupShuffleSplit(
        1, test_size=0.5, random_state=derive(seed, "disentanglement", "halves")
    )
    train, _ = next(split.split(groups, groups=groups))
    return np.isin(np.arange(len(groups)), train)


def _checked(
    codes: ArrayLike, factors: ArrayLike, discrete: ArrayLike
) -> tuple[Array, Array, Flags]:
    """Return the arguments as arrays (N, Z), (N, K) and (K,); raise if they cannot be scored."""
    z, values = np.asarray(codes, np.float64), np.asarray(factors, np.float64)
    kinds = np.asarray(discrete, bool)
    if z.ndim != 2 or values.shape != (len(z), len(kinds)) or not z.shape[1]:
        raise ValueError(
            f"expected (N, Z), (N, K), (K,); got {z.shape}, {values.shape}, {kinds.shape}"
        )
    if len(z) < 2 * MIN_ROWS:
        raise ConfigError(f"{len(z)} frames are too few; label at least {2 * MIN_ROWS}")
    if not np.isfinite(z).all():
        raise ConfigError(
            "codes must be finite numbers; train the encoder at a lower learning rate"
        )
    if np.isinf(values).any():
        raise ConfigError("factors must be finite numbers, or nan where undefined")
    for k in np.flatnonzero(kinds):
        classes = len(np.unique(values[~np.isnan(values[:, k]), k]))
        if classes > MAX_CLASSES:
            raise ConfigError(f"factor {k} has {classes} values; declare it continuous")
    return z, values, kinds
