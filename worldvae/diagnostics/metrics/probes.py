"""Linear probes: how much of the true state a linear map reads from features, by the protocol of
AtariARI (Anand et al. 2019, "Unsupervised State Representation Learning in Atari").

One linear probe per state variable: held-out R^2 of a continuous one, weighted F1 of a discrete
one; averaged over the variables of a group, then over groups. An R^2 below 0 counts as 0 there: to
answer with the mean is open to any map, and one variable that a map gets wildly wrong must not
outweigh all that it gets right. As in AtariARI, test frames that also occur in training or
validation are removed, and variables that hardly vary are dropped (`variables` says which). Unlike
there, validation chooses penalties and stopping time.

Two protocols. "converged" standardises the features and finds the best linear map: what is there
at any amplitude. "published" is AtariARI's own: features as they come, Adam for so many updates.
A floor or a ceiling is the same probe on other features: (B, 0) gives the mean or the majority.
Shapes: B frames, D features, V state variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import r2_score

from worldvae.diagnostics.metrics.linear_models import (
    Target,
    apply,
    fit_by_gradient,
    fit_ridge,
    fit_softmax,
    weighted_f1,
)
from worldvae.diagnostics.metrics.variables import (
    Parts,
    Variable,
    class_numbers,
    reason_to_drop,
    variables_of,
)
from worldvae.errors import ArtifactError

Protocol = Literal["converged", "published"]


@dataclass(frozen=True)
class ProbeScore:
    """What a linear map reads of one variable; `classes` are those of training, None for R^2."""

    variable: str
    group: str
    score: float
    kind: Literal["r2", "f1"]
    classes: int | None


@dataclass(frozen=True)
class ProbeResult:
    """The scores of one set of features."""

    variables: tuple[ProbeScore, ...]
    groups: Mapping[str, float]
    """Group -> mean of its variables, each at least 0."""
    mean: float | None
    """Over groups; None where every variable was dropped."""
    dropped: Mapping[str, str]
    """Variable -> reason."""
    rows: Mapping[str, int]
    """Part -> frames, without the duplicates."""
    duplicates: int


def probe(
    features: Parts,
    state: Parts,
    names: Sequence[str],
    discrete: Sequence[bool],
    hashes: Parts | None = None,
    seed: int = 0,
    protocol: Protocol = "converged",
) -> ProbeResult:
    """Linear probes of features (B, D) for the state (B, V), nan where a variable has no value.

    A variable's group is what stands before the first dot of its name. `hashes` are the
    `frame_hashes` by which test frames seen before are found; without them none is removed.
    `protocol` is of discrete variables; continuous ones always get ridge regression.
    """
    _check(features, state, names, discrete, hashes)
    fresh = ~_seen_before(hashes) if hashes else np.ones(len(state.test), bool)
    state = state._replace(test=state.test[fresh])
    raw = features._replace(test=features.test[fresh])
    x = _standardised(raw)
    variables = variables_of(state, names, discrete)
    reasons = {v.name: reason_to_drop(v) for v in variables}
    kept = [v for v in variables if not reasons[v.name]]
    as_read = raw if protocol == "published" else x
    found = _r2_scores(x, kept) | _f1_scores(as_read, kept, seed, protocol)
    scores = tuple(found[v.name] for v in kept)
    groups = _group_means(scores)
    return ProbeResult(
        variables=scores,
        groups=groups,
        mean=float(np.mean(list(groups.values()))) if groups else None,
        dropped={name: reason for name, reason in reasons.items() if reason},
        rows={part: len(values) for part, values in state._asdict().items()},
        duplicates=int((~fresh).sum()),
    )


def _r2_scores(x: Parts, variables: Sequence[Variable]) -> dict[str, ProbeScore]:
    return {
        v.name: ProbeScore(v.name, v.group, _r2(x, v.values), "r2", None)
        for v in variables
        if not v.discrete
    }


def _r2(x: Parts, values: Parts) -> float:
    """Held-out R^2 of ridge regression, its penalty of least error over validation."""
    rows = Parts(*(~np.isnan(part) for part in values))
    weights = fit_ridge(x.train[rows.train], values.train[rows.train])
    guesses = apply(x.validation[rows.validation], weights)
    errors = np.square(guesses - values.validation[rows.validation, None]).mean(0)
    best = weights[:, errors.argmin()]
    return float(r2_score(values.test[rows.test], apply(x.test[rows.test], best)))


def _f1_scores(
    x: Parts, variables: Sequence[Variable], seed: int, protocol: Protocol
) -> dict[str, ProbeScore]:
    """Held-out F1 of one softmax classifier per discrete variable, all fitted together."""
    chosen = [v for v in variables if v.discrete]
    if not chosen:
        return {}
    labels = [class_numbers(v.values) for v in chosen]
    targets = [Target(y.train, y.validation) for y in labels]
    if protocol == "published":
        fitted = fit_by_gradient(x.train, targets, seed)
    else:
        fitted = fit_softmax(x.train, x.validation, targets, seed)
    return {
        v.name: ProbeScore(
            v.name, v.group, weighted_f1(y.test, apply(x.test, weights)), "f1", target.classes
        )
        for v, y, target, weights in zip(chosen, labels, targets, fitted, strict=True)
    }


def _standardised(features: Parts) -> Parts:
    """Mean 0 and standard deviation 1 over training, constant features left out, float64."""
    parts = [part.astype(np.float64) for part in features]
    mean, std = parts[0].mean(0), parts[0].std(0)
    varies = (np.ptp(parts[0], axis=0) > 0) & (std > 0)
    return Parts(*((part[:, varies] - mean[varies]) / std[varies] for part in parts))


def _group_means(scores: Sequence[ProbeScore]) -> dict[str, float]:
    members: dict[str, list[float]] = {}
    for score in scores:
        members.setdefault(score.group, []).append(max(0.0, score.score))
    return {group: float(np.mean(values)) for group, values in members.items()}


def _seen_before(hashes: Parts) -> NDArray[np.bool_]:
    return np.isin(hashes.test, np.concatenate([hashes.train, hashes.validation]))


def _check(
    features: Parts,
    state: Parts,
    names: Sequence[str],
    discrete: Sequence[bool],
    hashes: Parts | None,
) -> None:
    """Shapes that fit together, and numbers that are numbers."""
    for part in Parts._fields:
        rows = {len(getattr(arrays, part)) for arrays in (features, state, hashes) if arrays}
        if len(rows) != 1:
            raise ValueError(f"features, state and hashes of the {part} part differ in length")
        if getattr(state, part).shape[1:] != (len(names),):
            raise ValueError(f"expected {len(names)} columns of state in the {part} part")
        if not np.isfinite(getattr(features, part)).all():
            raise ArtifactError(
                f"features of the {part} part are not finite; the encoder diverged, train it "
                "again with a smaller learning rate"
            )
    if len(names) != len(discrete) or len(set(names)) != len(names):
        raise ValueError("each variable needs one name of its own and one discrete flag")
    if not len(features.train):
        raise ArtifactError("the train part holds no frames; collect more episodes")
