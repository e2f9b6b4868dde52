"""The linear models behind the probes: ridge regression and two softmax classifiers.

`fit_softmax` finds the best linear map, fast enough for hundreds of classes on one core.
`fit_by_gradient` is the published probe, plain Adam with a fixed number of updates.

Shapes: B frames, D features, K classes of one variable, P penalties. Weights are (D + 1, .) with
the bias last; `apply` multiplies features by them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import f1_score
from torch import Tensor
from torch.nn.functional import cross_entropy

from worldvae.diagnostics.splits import Splits

Array = NDArray[np.float64]
ClassNumbers = NDArray[np.int64]

PENALTIES: Array = 10.0 ** np.arange(-8.0, 3.0)
SHRINKAGES = (1e-6, 1e-3, 1e-1)  # added to the variances of whitened features
WHITENING_FLOOR = 1e-3
SOFTMAX_PENALTIES = (1e-3, 1e-4, 1e-5, 1e-6)
ITERATIONS = 30  # of L-BFGS at each penalty, from the weights of the one before
UNDEFINED = -1
PUBLISHED_UPDATES = 20_000  # AtariARI makes 55,000; scores only rise with more


class Target(NamedTuple):
    """The class numbers of one variable, UNDEFINED in frames without a value: (B,) each.

    All of 0, ..., K - 1 occur in training; K stands for classes that do not.
    """

    train: ClassNumbers
    validation: ClassNumbers

    @property
    def classes(self) -> int:
        """The number of classes, K."""
        return int(self.train.max()) + 1


def apply(x: Array, weights: Array) -> Array:
    """Return x w + b: (B, D), (D + 1, n) -> (B, n)."""
    return np.asarray(x @ weights[:-1] + weights[-1])


def fit_ridge(x: Array, y: Array, penalties: ArrayLike = PENALTIES) -> Array:
    """Minimise mean (y - x w - b)^2 + penalty |w|^2: (B, D), (B,), (P,) -> (D + 1, P).

    Hoerl & Kennard (1970): w = (X'X / B + penalty I)^-1 X'y / B of the centred data.
    """
    centre, offset = x.mean(0), y.mean()
    centred = x - centre
    variances, axes = np.linalg.eigh(centred.T @ centred / len(x))
    along = axes.T @ (centred.T @ (y - offset)) / len(x)
    w = axes @ (along[:, None] / (variances[:, None] + np.asarray(penalties)))
    return np.vstack([w, offset - centre @ w])


def fit_best_ridge(x: Splits[NDArray[Any]], y: Splits[NDArray[Any]]) -> Array:
    """Fit ridge regression of y, (B,), on x, (B, D), whose penalty validation chooses: (D + 1,).

    Frames without a finite y are left out; nothing is read of the test frames.
    """
    known = y.each(np.isfinite)
    weights = fit_ridge(x.train[known.train], y.train[known.train])
    guesses = apply(x.validation[known.validation], weights)
    errors = np.square(guesses - y.validation[known.validation, None]).mean(0)
    return np.asarray(weights[:, errors.argmin()])


def fit_softmax(train: Array, validation: Array, targets: Sequence[Target]) -> list[Array]:
    """Fit linear classifiers of standardised features (B, D), one per target: (D + 1, K) each.

    Candidates are softmax regressions of falling penalties and linear discriminants, the optimum
    for Gaussian classes; validation chooses for each target. Regression wins where classes are few
    or not Gaussian. Discriminants win where they are hundreds of neighbouring positions, which
    need such large weights that regression is far from its end.
    """
    whitening = _whitening(train)
    x, held_out = train @ whitening, validation @ whitening
    best = [_best(_candidates(x, target), held_out, target) for target in targets]
    return [np.vstack([whitening @ w[:-1], w[-1:]]) for w in best]


def _candidates(x: Array, target: Target) -> list[Array]:
    """Fit classifiers of whitened features to the frames that have a value: (D + 1, K) each."""
    defined = target.train != UNDEFINED
    x, labels = x[defined], target.train[defined]
    return [
        *_discriminants(x, labels, target.classes),
        *_regressions(x, labels, target.classes),
    ]


def fit_by_gradient(train: Array, targets: Sequence[Target], seed: int) -> list[Array]:
    """Fit AtariARI's linear probes to raw features (B, D), one per target: (D + 1, K) each.

    As in Anand et al. (2019) and their code: torch's default initialisation, Adam with step size
    5e-4 and eps 1e-5, batches of 64, the mean cross-entropy over variables and frames. The probes
    do not converge by design: like an agent's own Adam, they hardly learn from features of small
    amplitude.
    """
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.from_numpy(np.hstack([train, np.ones((len(train), 1))])).float()
    labels = torch.from_numpy(np.stack([target.train for target in targets], axis=1))
    widest = max(target.classes for target in targets)  # AtariARI gives all variables as many
    start = torch.rand(inputs.shape[1], len(targets) * widest, generator=generator)
    weights = ((2 * start - 1) * train.shape[1] ** -0.5).requires_grad_()
    optimizer = torch.optim.Adam([weights], lr=5e-4, eps=1e-5, fused=True)
    for rows in _shuffled_rows(len(inputs), 64, generator, PUBLISHED_UPDATES):
        optimizer.zero_grad()
        logits = (inputs[rows] @ weights).reshape(-1, widest)
        loss = cross_entropy(logits, labels[rows].reshape(-1), ignore_index=UNDEFINED)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return [part.double().numpy() for part in torch.split(weights.detach(), widest, 1)]


def _shuffled_rows(
    total: int, size: int, generator: torch.Generator, updates: int
) -> Iterator[Tensor]:
    """Yield `updates` batches of row numbers; each epoch is shuffled anew."""
    epochs = -(-updates // -(-total // size))
    for _ in range(epochs):
        batches = torch.split(torch.randperm(total, generator=generator), size)
        yield from batches[:updates]
        updates -= len(batches)


def weighted_f1(labels: ClassNumbers, logits: Array) -> float:
    """Return the mean F1 of the classes, weighted by their frequency: (B,), (B, K) -> scalar.

    Frames without a value are left out. This is AtariARI's score.
    """
    rows = labels != UNDEFINED
    chosen = logits[rows].argmax(1)
    return float(f1_score(labels[rows], chosen, average="weighted", zero_division=0.0))


def _best(candidates: Sequence[Array], held_out: Array, target: Target) -> Array:
    """Return the first of the candidates with the highest validation F1: (D + 1, K)."""
    return max(candidates, key=lambda w: weighted_f1(target.validation, apply(held_out, w)))


def _whitening(x: Array) -> Array:
    """Return a matrix that makes features uncorrelated, of variance 1 or less: (B, D) -> (D, D)."""
    variances, axes = np.linalg.eigh(x.T @ x / len(x))
    return np.asarray(axes / np.sqrt(variances.clip(0) + WHITENING_FLOOR))


def _discriminants(x: Array, labels: ClassNumbers, classes: int) -> list[Array]:
    """Fit linear discriminants (Fisher 1936), one per shrinkage: (B, D), (B,) -> (D + 1, K) each.

    log p(k | x) = x' S^-1 m_k - m_k' S^-1 m_k / 2 + log p_k + const, where S is the covariance
    within classes.
    """
    counts = np.bincount(labels, minlength=classes)
    means = np.eye(classes)[labels].T @ x / counts[:, None]
    within = x - means[labels]
    variances, axes = np.linalg.eigh(within.T @ within / len(x))
    slopes = [axes @ (means @ axes / (variances + shrinkage)).T for shrinkage in SHRINKAGES]
    log_prior = np.log(counts / len(x))
    return [np.vstack([w, log_prior - (means.T * w).sum(0) / 2]) for w in slopes]


def _regressions(x: Array, labels: ClassNumbers, classes: int) -> list[Array]:
    """Fit softmax regressions, one per penalty: (B, D), (B,) -> (D + 1, K) each.

    Minimises the mean cross-entropy + penalty |w|^2 by L-BFGS (Liu & Nocedal, 1989); the bias is
    free. Each penalty begins at the weights of the larger one before, which are near.
    """
    inputs = torch.from_numpy(np.hstack([x, np.ones((len(x), 1))])).float()
    truth = torch.from_numpy(labels)
    weights = torch.zeros(inputs.shape[1], classes, requires_grad=True)
    path = []
    for penalty in SOFTMAX_PENALTIES:
        optimizer = torch.optim.LBFGS(
            [weights], max_iter=ITERATIONS, history_size=20, line_search_fn="strong_wolfe"
        )

        def loss(penalty: float = penalty, optimizer: torch.optim.LBFGS = optimizer) -> Tensor:
            optimizer.zero_grad()
            found = cross_entropy(inputs @ weights, truth)
            found = found + penalty * weights[:-1].square().sum()
            found.backward()  # type: ignore[no-untyped-call]
            return found.detach()

        optimizer.step(loss)  # type: ignore[no-untyped-call]
        path.append(weights.detach().double().numpy())  # a copy, as float64
    return path
