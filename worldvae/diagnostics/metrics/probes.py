"""Linear probes measure how well a linear map predicts the true state from features.

The protocol is that of AtariARI (Anand et al. 2019, "Unsupervised State Representation Learning in
Atari"). There is one linear probe per state variable, scored by held-out R^2 if it is continuous
and by weighted F1 if it is discrete. Scores are averaged over the variables of a group, then over
groups. An R^2 below 0 counts as 0 in these means, so that one badly predicted variable does not
outweigh all others. As in AtariARI, test frames that also occur in training or validation are
removed, and variables that hardly vary are dropped (see `variables`). Unlike there, validation
chooses the penalty.

The protocol "converged" standardises the features and seeks the best linear map, which finds
information of any amplitude. "published" is AtariARI's own: raw features unless others are given,
and a fixed number of updates of Adam; it alone draws from the seed. Floors and ceilings are the
same probe on other features; features (B, 0) predict the mean or the commonest class.

Shapes: B frames, D features, V state variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import r2_score

from worldvae.diagnostics.metrics.linear_models import (
    Target,
    apply,
    fit_best_ridge,
    fit_by_gradient,
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
    """The score of one variable; `classes` is the number of classes in training, None for R^2."""

    variable: str
    group: str
    score: float
    kind: Literal["r2", "f1"]
    classes: int | None


@dataclass(frozen=True)
class VariableReading:
    """What a probe reads of one variable in the B test frames that training does not have."""

    score: ProbeScore
    truth: NDArray[Any]
    """The values, nan where there is none; of a discrete variable class numbers: (B,)."""
    guess: NDArray[Any]
    """(B,)."""


@dataclass(frozen=True)
class ProbeResult:
    """The scores of one set of features."""

    variables: tuple[ProbeScore, ...]
    groups: Mapping[str, float]
    """Group -> mean score of its variables, scores below 0 counted as 0."""
    mean: float | None
    """The mean over groups; None if every variable was dropped."""
    dropped: Mapping[str, str]
    """Variable -> reason."""
    rows: Mapping[str, int]
    """Part -> frames, without the duplicates."""
    duplicates: int


@dataclass(frozen=True)
class ProbeReadings:
    """What probes of one set of features read."""

    variables: tuple[VariableReading, ...]
    dropped: Mapping[str, str]
    """Variable -> reason."""
    rows: Mapping[str, int]
    """Part -> frames, without the duplicates."""
    fresh: NDArray[np.bool_]
    """Whether each test frame was read, since training does not have it: (all test frames,)."""

    @property
    def result(self) -> ProbeResult:
        """The scores."""
        scores = tuple(reading.score for reading in self.variables)
        groups = _group_means(scores)
        return ProbeResult(
            variables=scores,
            groups=groups,
            mean=float(np.mean(list(groups.values()))) if groups else None,
            dropped=self.dropped,
            rows=self.rows,
            duplicates=int((~self.fresh).sum()),
        )


def read(
    features: Parts,
    state: Parts,
    names: Sequence[str],
    discrete: Sequence[bool],
    hashes: Parts | None = None,
    seed: int = 0,
    protocol: Protocol = "converged",
) -> ProbeReadings:
    """Fit linear probes from features (B, D) to the state (B, V), and read the test frames.

    The state is nan in frames in which a variable has no value. The group of a variable is its name
    up to the first dot. `hashes` are the `frame_hashes` by which test frames that also occur in
    training are found; without them none is removed. Continuous variables use ridge regression; the
    `protocol` that was published has none, and leaves them out. Raises ArtifactError if features
    are not finite or the training part is empty.
    """
    _check(features, state, names, discrete, hashes)
    fresh = ~_seen_before(hashes) if hashes else np.ones(len(state.test), bool)
    state = state._replace(test=state.test[fresh])
    raw = features._replace(test=features.test[fresh])
    x = _standardised(raw)
    variables = variables_of(state, names, discrete)
    reasons = {v.name: reason_to_drop(v) for v in variables}
    is_published = protocol == "published"
    kept = [v for v in variables if not reasons[v.name] and (v.discrete or not is_published)]
    as_read = raw if is_published else x
    found = _read_numbers(x, kept) | _read_classes(as_read, kept, seed, protocol)
    return ProbeReadings(
        variables=tuple(found[v.name] for v in kept),
        dropped={name: reason for name, reason in reasons.items() if reason},
        rows={part: len(values) for part, values in state._asdict().items()},
        fresh=fresh,
    )


def _read_numbers(x: Parts, variables: Sequence[Variable]) -> dict[str, VariableReading]:
    return {v.name: _read_number(x, v) for v in variables if not v.discrete}


def _read_number(x: Parts, variable: Variable) -> VariableReading:
    """Read by ridge regression, scored by held-out R^2; validation chooses the penalty."""
    truth = variable.values.test
    guess = apply(x.test, fit_best_ridge(x, variable.values))
    known = ~np.isnan(truth)
    r2 = float(r2_score(truth[known], guess[known]))
    return VariableReading(ProbeScore(variable.name, variable.group, r2, "r2", None), truth, guess)


def _read_classes(
    x: Parts, variables: Sequence[Variable], seed: int, protocol: Protocol
) -> dict[str, VariableReading]:
    """Read each discrete variable by a softmax classifier, scored by held-out F1, by name."""
    chosen = [v for v in variables if v.discrete]
    if not chosen:
        return {}
    labels = [class_numbers(v.values) for v in chosen]
    targets = [Target(y.train, y.validation) for y in labels]
    if protocol == "published":
        fitted = fit_by_gradient(x.train, targets, seed)
    else:
        fitted = fit_softmax(x.train, x.validation, targets)
    logits = [apply(x.test, weights) for weights in fitted]
    return {
        v.name: VariableReading(
            ProbeScore(v.name, v.group, weighted_f1(y.test, each), "f1", target.classes),
            y.test,
            each.argmax(1),
        )
        for v, y, target, each in zip(chosen, labels, targets, logits, strict=True)
    }


def _standardised(features: Parts) -> Parts:
    """Return float64 features with mean 0 and deviation 1 in training, without constant ones."""
    parts = features.each(lambda part: part.astype(np.float64))
    mean, std = parts.train.mean(0), parts.train.std(0)
    varies = (np.ptp(parts.train, axis=0) > 0) & (std > 0)
    return parts.each(lambda part: (part[:, varies] - mean[varies]) / std[varies])


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
    """Raise an error if shapes do not fit together or features are not finite."""
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
