"""Linear probes: how much of the true state a linear map reads from features, by the protocol of
AtariARI (Anand et al. 2019, "Unsupervised State Representation Learning in Atari").

One linear probe per state variable: held-out R^2 of a continuous one, weighted F1 of a discrete
one; averaged over the variables of a group, then over groups. As in AtariARI's published code,
discrete variables of less than 0.6 nats of entropy (not normalised) are dropped, and test frames
that also occur in training or validation are removed. Unlike there, the entropy is that of the
training part alone, and validation chooses penalties and stopping time.

Two protocols. "converged" standardises the features and finds the best linear map: what is there
at any amplitude. "published" is AtariARI's own: features as they come, Adam for so many updates.
A floor or a ceiling is the same probe on other features: (B, 0) gives the mean or the majority.
Shapes: B frames, D features, V state variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import r2_score
from torch.nn.functional import adaptive_avg_pool2d

from worldvae.autoencoders.pixels import to_float
from worldvae.config import UserError
from worldvae.diagnostics.linear_models import (
    UNDEFINED,
    Array,
    ClassNumbers,
    Target,
    apply,
    fit_by_gradient,
    fit_ridge,
    fit_softmax,
    weighted_f1,
)

MIN_ENTROPY = 0.6  # nats
POOLED_AT_ONCE = 512

Protocol = Literal["converged", "published"]


class Parts(NamedTuple):
    """One array each of the training, validation and test episodes, a row per frame."""

    train: NDArray[Any]
    validation: NDArray[Any]
    test: NDArray[Any]


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
    """Group -> mean of its variables."""
    mean: float | None
    """Over groups; None where every variable was dropped."""
    dropped: Mapping[str, str]
    """Variable -> reason."""
    rows: Mapping[str, int]
    """Part -> frames, without the duplicates."""
    duplicates: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self) | {"variables": [asdict(score) for score in self.variables]}


@dataclass(frozen=True)
class _Variable:
    name: str
    discrete: bool
    values: Parts
    """float64, nan where it has no value: (B,)."""

    @property
    def group(self) -> str:
        return self.name.split(".")[0]


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
    reasons = {v.name: _reason_to_drop(v) for v in _variables(state, names, discrete)}
    kept = [v for v in _variables(state, names, discrete) if not reasons[v.name]]
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


def frame_hashes(frames: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """64 bits that tell frames apart: (B, H, W, C) -> (B,)."""
    digests = [blake2b(frame.tobytes(), digest_size=8).digest() for frame in frames]
    return np.frombuffer(b"".join(digests), np.uint64)


def downsampled_pixels(frames: NDArray[np.uint8], size: int = 256) -> NDArray[np.float32]:
    """Means over about `size` areas of the aspect of the frame: (B, H, W, C) -> (B, D) in [0, 1].

    D = h w C, where (h, w) is (H, W) scaled by sqrt(size / (H W C)) and rounded.
    """
    height, width, channels = frames.shape[1:]
    scale = min(1.0, float(np.sqrt(size / (height * width * channels))))
    grid = max(1, round(height * scale)), max(1, round(width * scale))
    # a copy, since frames may be a read-only memory map
    batches = torch.split(torch.from_numpy(np.array(frames, order="C")), POOLED_AT_ONCE)
    pooled = [adaptive_avg_pool2d(to_float(batch), grid).flatten(1) for batch in batches]
    return torch.cat(pooled).numpy()


def entropy(values: NDArray[Any]) -> float:
    """Of how often each value occurs, in nats: (B,) -> a number."""
    shares = np.unique(values, return_counts=True)[1] / len(values)
    return float((shares * np.log(1 / shares)).sum())


def _variables(state: Parts, names: Sequence[str], discrete: Sequence[bool]) -> list[_Variable]:
    columns = [Parts(*(part[:, v].astype(np.float64) for part in state)) for v in range(len(names))]
    return [_Variable(*each) for each in zip(names, discrete, columns, strict=True)]


def _reason_to_drop(variable: _Variable) -> str | None:
    defined = {name: _defined(part) for name, part in variable.values._asdict().items()}
    empty = [name for name, values in defined.items() if not len(values)]
    if empty:
        return f"has no value in the {empty[0]} part"
    if variable.discrete:
        nats = entropy(defined["train"])
        # AtariARI drops what is below, so the threshold itself stays
        return f"entropy {nats:.2f} nats, below {MIN_ENTROPY}" if nats < MIN_ENTROPY else None
    constant = [name for name in ("train", "test") if np.ptp(defined[name]) == 0]
    return f"constant in the {constant[0]} part" if constant else None


def _r2_scores(x: Parts, variables: Sequence[_Variable]) -> dict[str, ProbeScore]:
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
    x: Parts, variables: Sequence[_Variable], seed: int, protocol: Protocol
) -> dict[str, ProbeScore]:
    """Held-out F1 of one softmax classifier per discrete variable, all fitted together."""
    chosen = [v for v in variables if v.discrete]
    if not chosen:
        return {}
    labels = [_class_numbers(v.values) for v in chosen]
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


def _class_numbers(values: Parts) -> Parts:
    """The place of each value among the K of training, K for any other: (B,) -> (B,)."""
    known = np.unique(_defined(values.train))
    return Parts(*(_places(part, known) for part in values))


def _places(values: Array, known: Array) -> ClassNumbers:
    places = np.searchsorted(known, values).clip(max=len(known) - 1)
    places = np.where(known[places] == values, places, len(known))
    return np.where(np.isnan(values), UNDEFINED, places)


def _standardised(features: Parts) -> Parts:
    """Mean 0 and standard deviation 1 over training, constant features left out, float64."""
    parts = [part.astype(np.float64) for part in features]
    mean, std = parts[0].mean(0), parts[0].std(0)
    varies = (np.ptp(parts[0], axis=0) > 0) & (std > 0)
    return Parts(*((part[:, varies] - mean[varies]) / std[varies] for part in parts))


def _group_means(scores: Sequence[ProbeScore]) -> dict[str, float]:
    members: dict[str, list[float]] = {}
    for score in scores:
        members.setdefault(score.group, []).append(score.score)
    return {group: float(np.mean(values)) for group, values in members.items()}


def _seen_before(hashes: Parts) -> NDArray[np.bool_]:
    return np.isin(hashes.test, np.concatenate([hashes.train, hashes.validation]))


def _defined(values: Array) -> Array:
    return values[~np.isnan(values)]


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
            raise UserError(
                f"features of the {part} part are not finite; the encoder diverged, train it "
                "again with a smaller learning rate"
            )
    if len(names) != len(discrete) or len(set(names)) != len(names):
        raise ValueError("each variable needs one name of its own and one discrete flag")
    if not len(features.train):
        raise UserError("the train part holds no frames; collect more episodes")
