"""The scores of disentanglement one by one: MIG, SAP, DCI, FactorVAE.

Shapes: M frames that define a factor, Z latents, K factors, V votes, L frames of a vote.
"""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier

from worldvae.diagnostics.metrics.factors import RESOLUTION, Array, Factor, Flags, Labels, binned

TREES, TREE_ROWS = 50, 1000
VOTES = 400
VOTE_FRAMES = 300  # many, since a rare flag that is absent by chance would seem the fixed factor


def mutual_information(codes: Array, labels: Labels) -> Array:
    """Return I(z; v) of each binned latent and the classes v in nats: (M, Z), (M,) -> (Z,)."""
    return np.array([_information(labels, binned(z)) for z in codes.T])


def _information(a: Labels, b: Labels) -> float:
    """Return sum p(a, b) log p(a, b) / (p(a) p(b)) in nats, of classes 0, 1, ...: (M,), (M,)."""
    kinds = int(b.max()) + 1
    joint = np.bincount(a * kinds + b, minlength=(int(a.max()) + 1) * kinds).reshape(-1, kinds)
    product = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    seen = joint > 0
    # Computed from whole numbers, so that a constant has exactly 0 nats.
    ratio = joint[seen] * len(a) / product[seen]
    return float(joint[seen] @ np.log(ratio) / len(a))


def information_gap(codes: Array, labels: Labels) -> float:
    """Return the MIG of one factor v, (I(z_1; v) - I(z_2; v)) / H(v): (M, Z), (M,) -> scalar.

    z_1 and z_2 are the most and the second most informative latent (Chen et al., 2018).
    """
    entropy = _information(labels, labels)  # I(v; v) = H(v)
    return top_gap(mutual_information(codes, labels)) / entropy


def top_gap(scores: Array) -> float:
    """Return the largest minus the second largest score, which is 0 for a single latent: (Z,)."""
    second, first = np.sort(np.append(scores, 0.0))[-2:]
    return float(first - second)


def attribute_predictability(factor: Factor) -> Array:
    """Return the held-out skill of each latent alone, a column of SAP's score matrix: (Z,).

    As in Kumar et al. (2018), a continuous factor is predicted by a line, a discrete one by
    thresholds.
    """
    leaves = len(np.unique(factor.bins))
    model = (
        DecisionTreeClassifier(max_leaf_nodes=leaves, class_weight="balanced")
        if factor.discrete
        else LinearRegression()
    )
    return np.array([factor.skill(model, z[:, None]) for z in factor.codes.T])


def importance_and_skill(factor: Factor, seed: int) -> tuple[Array, float]:
    """Return how much a predictor of the factor uses each latent, (Z,), and its held-out skill.

    The predictor is a random forest, as in Eastwood & Williams (2018). Each split chooses among all
    latents; splits among a random subset, or at random thresholds, would credit a latent for the
    correlation of its factor with another one.
    """
    options = {
        "n_estimators": TREES,
        "max_samples": min(TREE_ROWS, int(factor.train.sum())),
        "min_samples_leaf": 5,
        "max_features": 1.0,
        "random_state": seed,
    }
    model = (
        RandomForestClassifier(**options, class_weight="balanced")
        if factor.discrete
        else RandomForestRegressor(**options)
    )
    skill = factor.skill(model, factor.codes)
    return np.asarray(model.feature_importances_, np.float64), skill


def concentration(importance: Array) -> Array:
    """Return 1 - entropy / log n of each row, where log n is the maximum: (m, n) -> (m,).

    It is DCI's completeness of factors for (K, Z), and its disentanglement of latents for (Z, K).
    A row of zeros scores 0; rows of a single entry score nan.
    """
    n = importance.shape[1]
    if n == 1:
        return np.full(len(importance), np.nan)
    total = importance.sum(axis=1, keepdims=True)
    p = np.divide(importance, total, out=np.full_like(importance, 1 / n), where=total > 0)
    entropy = -np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=1)
    return np.asarray(np.maximum(0.0, 1 - entropy / np.log(n)))  # rounding may leave -1e-16


def mean_disentanglement(importance: Array) -> float:
    """Return DCI's D of importances (Z, K): the mean over latents, weighted by their importance."""
    total = importance.sum()
    weight = importance.sum(axis=1) / total if total > 0 else np.zeros(len(importance))
    return float(weight @ concentration(importance))


def factor_vae_accuracy(factors: list[Factor], generator: np.random.Generator) -> Array:
    """Return the share of each factor's held-out votes that name it: (K,), Kim & Mnih (2018).

    A vote is the latent that varies least, relative to its usual variance, over frames that nearly
    share the value of one factor. It names the factor that got most of this latent's votes in the
    training half. The score of a single factor is nan, since it gets every vote with any codes.
    """
    if len(factors) == 1:
        return np.array([np.nan])
    learned = np.stack([_votes(f, f.train, generator) for f in factors], axis=1)  # (Z, K)
    heldout = np.stack([_votes(f, ~f.train, generator) for f in factors], axis=1)
    named = np.where(learned.any(axis=1), learned.argmax(axis=1), -1)  # (Z,)
    right = named[:, None] == np.arange(len(factors))
    return np.asarray((heldout * right).sum(axis=0) / VOTES)


def _votes(factor: Factor, rows: Flags, generator: np.random.Generator) -> Labels:
    """Return how many of VOTES votes over `rows` (M,) each latent gets; constant ones 0: (Z,)."""
    codes = factor.codes[rows]
    usual = codes.var(axis=0)
    alive = usual > RESOLUTION**2
    if not alive.any():
        return np.zeros(len(usual), np.int64)
    frames = _frames_that_share_a_value(factor.bins[rows], generator)
    variance = np.stack([codes[rows].var(axis=0) for rows in frames])  # (V, Z)
    relative = np.divide(variance, usual, out=np.full_like(variance, np.inf), where=alive)
    return np.bincount(relative.argmin(axis=1), minlength=len(usual))


def _frames_that_share_a_value(labels: Labels, generator: np.random.Generator) -> Labels:
    """Draw, for each of VOTES random frames, VOTE_FRAMES frames of its class: (M,) -> (V, L)."""
    counts = np.bincount(labels)
    first = np.cumsum(counts) - counts
    chosen = generator.choice(labels, VOTES)[:, None]
    offset = generator.integers(counts[chosen], size=(VOTES, VOTE_FRAMES))
    return np.asarray(np.argsort(labels, kind="stable")[first[chosen] + offset])
