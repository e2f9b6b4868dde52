"""Heads predict distributions: how codes change, and what a decision pays."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from worldvae.dynamics.change_classes import ChangeClasses
from worldvae.dynamics.known_values import KnownValues
from worldvae.dynamics.noise import Noise
from worldvae.dynamics.reward_support import RewardSupport

LOG_STD = (-3.0, 3.0)
"""Bounds of the log deviation of a Gaussian, in deviations of the change.

Without the lower one, the likelihood of a change that is always the same would have no bound.
"""

FAR = 1e4
"""So many ranges of rewards away from 0, float32 has too few digits for a mean about 0."""

HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True)
class Mixture:
    """A mixture of C Gaussians for each of D numbers (Bishop, 1994); each tensor (..., D, C)."""

    log_weights: Tensor
    means: Tensor
    log_stds: Tensor

    def log_prob(self, values: Tensor) -> Tensor:
        """Return the log density of each number in nats: (..., D) -> (..., D)."""
        deviation = (values[..., None] - self.means) * torch.exp(-self.log_stds)
        density = -0.5 * deviation.square() - self.log_stds - HALF_LOG_TAU
        return torch.logsumexp(self.log_weights + density, -1)

    def sample(self, noise: Noise, temperature: float) -> Tensor:
        """Draw (..., D); weights are taken to the power 1 / temperature, and variances times it.

        At temperature 0 it is the mean of the heaviest component.
        """
        if self.means.shape[-1] == 1:
            chosen = torch.zeros_like(self.means[..., :1], dtype=torch.int64)
        else:
            chosen = _draw_class(self.log_weights, noise, temperature)
        means = self.means.gather(-1, chosen)[..., 0]
        if temperature == 0:
            return means
        stds = self.log_stds.gather(-1, chosen)[..., 0].exp()
        return means + math.sqrt(temperature) * stds * noise.normal(*means.shape)

    def mean(self) -> Tensor:
        """Return the expectation (..., D)."""
        return (self.log_weights.exp() * self.means).sum(-1)

    def std(self) -> Tensor:
        """Return the standard deviation (..., D)."""
        spread = (2 * self.log_stds).exp() + (self.means - self.mean()[..., None]).square()
        return (self.log_weights.exp() * spread).sum(-1).sqrt()


@dataclass(frozen=True)
class Classes:
    """One of K values for each of D numbers: log_weights (..., D, K) and values (D, K)."""

    log_weights: Tensor
    values: Tensor

    def log_prob(self, values: Tensor) -> Tensor:
        """Return the log probability of the class nearest to each number: (..., D) -> (..., D)."""
        distance = (values[..., None] - self.values).abs().nan_to_num(nan=math.inf)
        nearest = distance.argmin(-1, keepdim=True)
        return self.log_weights.gather(-1, nearest)[..., 0]

    def sample(self, noise: Noise, temperature: float) -> Tensor:
        """Draw (..., D); weights are taken to the power 1 / temperature, 0 takes the heaviest."""
        chosen = _draw_class(self.log_weights, noise, temperature)
        return self.known_values().gather(-1, chosen)[..., 0]

    def mean(self) -> Tensor:
        """Return the expectation (..., D)."""
        return (self.log_weights.exp() * self.known_values()).sum(-1)

    def std(self) -> Tensor:
        """Return the standard deviation (..., D)."""
        square = (self.known_values() - self.mean()[..., None]).square()
        return (self.log_weights.exp() * square).sum(-1).sqrt()

    def known_values(self) -> Tensor:
        """Return the value of each class (..., D, K)."""
        return self.values.nan_to_num().expand_as(self.log_weights)


Distribution = Mixture | Classes


def decide(chances: Tensor, noise: Noise) -> Tensor:
    """Draw which one of X numbers is 1, the others 0, by their chances (..., X): (..., X)."""
    drawn = noise.uniform(*chances.shape[:-1], 1) * chances.sum(-1, keepdim=True)
    # The last sum may be a rounding below the whole.
    chosen = (chances.cumsum(-1)[..., :-1] < drawn).sum(-1, keepdim=True)
    return torch.zeros_like(chances).scatter(-1, chosen, 1.0)


def _draw_class(log_weights: Tensor, noise: Noise, temperature: float) -> Tensor:
    """Draw one index of the last axis: (..., D, K) -> (..., D, 1)."""
    if temperature == 0:
        return log_weights.argmax(-1, keepdim=True)
    weights = log_weights.exp() if temperature == 1 else (log_weights / temperature).softmax(-1)
    drawn = noise.uniform(*weights.shape[:-1], 1)
    # The last sum may be a rounding below 1.
    return (weights.cumsum(-1)[..., :-1] < drawn).sum(-1, keepdim=True)


class MixtureHead(nn.Module):
    """Predicts a mixture of Gaussians for each of D numbers, in units of `scale` (D,)."""

    scale: Tensor

    def __init__(self, inputs: int, scale: Tensor, components: int) -> None:
        super().__init__()
        self.components = components
        self.layer = nn.Linear(inputs, 3 * components * len(scale))
        self.register_buffer("scale", scale.clone())

    def forward(self, features: Tensor) -> Mixture:
        """Predict from features (..., F)."""
        output = self.layer(features).float()
        output = output.unflatten(-1, (len(self.scale), 3, self.components))
        # With D last in memory, operations along the few components are several times as fast.
        logits, means, log_stds = output.movedim(-3, -1).contiguous().unbind(-3)
        # At the start the log deviations are near 0, in units of the scale.
        low, high = LOG_STD
        bounded = low + functional.softplus(log_stds - low) - functional.softplus(log_stds - high)
        parts = logits.log_softmax(-2), self.scale * means, bounded + self.scale.log()
        return Mixture(*(part.transpose(-1, -2) for part in parts))


class ValuesHead(nn.Module):
    """Weighs the values that training has, of D numbers or of one; `name` is their buffer."""

    log_shares: Tensor

    def __init__(self, inputs: int, known: KnownValues, name: str) -> None:
        super().__init__()
        self.layer = nn.Linear(inputs, known.values.numel())
        self.register_buffer(name, known.values.clone())
        self.register_buffer("log_shares", known.log_shares.clone())

    @property
    def known(self) -> KnownValues:
        """The values and their shares in training."""
        raise NotImplementedError

    def begin(self) -> None:
        """Predict the shares of training, whatever is read."""
        begin_at(self.layer, self.log_shares)

    def after(self, before: nn.Module) -> dict[str, Tensor]:
        """Return the state with which this head goes on from `before`.

        A number whose values `before` cannot express begins anew with those of this head.
        """
        assert isinstance(before, ValuesHead)
        kept = before.known.can_express(self.known)
        state, old = self.state_dict(), before.state_dict()
        for name, own in state.items():
            rows = kept.repeat_interleave(len(own) // len(kept))
            state[name] = torch.where(rows.reshape(-1, *[1] * (own.dim() - 1)), old[name], own)
        return state


class ClassesHead(ValuesHead):
    """Predicts one of K classes for each of D numbers."""

    values: Tensor

    def __init__(self, inputs: int, known: ChangeClasses) -> None:
        super().__init__(inputs, known, "values")

    @property
    def known(self) -> ChangeClasses:
        """The classes (D, K) of each number."""
        return ChangeClasses(self.values, self.log_shares)

    def forward(self, features: Tensor) -> Classes:
        """Predict from features (..., F)."""
        logits = self.layer(features).float().unflatten(-1, self.values.shape)
        logits = logits.masked_fill(self.values.isnan(), -1e9)
        return Classes(logits.log_softmax(-1), self.values)


class ExpectationHead(ValuesHead):
    """Predicts the mean of a number as that of a distribution over K ascending values, (K,).

    A number between two values is their two-hot mixture, so large and small rewards cost alike
    (Hafner et al., 2023).
    """

    support: Tensor

    def __init__(self, inputs: int, known: RewardSupport) -> None:
        super().__init__(inputs, known, "support")

    @property
    def known(self) -> RewardSupport:
        """The support (K,)."""
        return RewardSupport(self.support, self.log_shares)

    def forward(self, features: Tensor) -> Tensor:
        """Return log weights of the support: (..., F) -> (..., K)."""
        logits: Tensor = self.layer(features).float()
        return logits.log_softmax(-1)

    def mean(self, log_weights: Tensor) -> Tensor:
        """Return the expectation: (..., K) -> (...)."""
        first, last = self.support[0], self.support[-1]
        nearest = torch.zeros_like(first).clamp(first, last)
        origin = torch.where(nearest.abs() > FAR * (last - first), nearest, 0.0)
        return origin + (log_weights.exp() @ (self.support - origin)).float()

    def cross_entropy(self, log_weights: Tensor, values: Tensor) -> Tensor:
        """Return the cost of `values` (...) in nats; those outside count as the nearest value."""
        inside = values.clamp(self.support[0], self.support[-1])
        above = torch.searchsorted(self.support, inside.contiguous()).clamp(
            1, len(self.support) - 1
        )
        low, high = self.support[above - 1], self.support[above]
        share = (inside - low) / (high - low)
        costs = log_weights.gather(-1, torch.stack([above - 1, above], -1))
        return -(1 - share) * costs[..., 0] - share * costs[..., 1]


@torch.no_grad()
def begin_at(layer: nn.Linear, logits: Tensor) -> None:
    """Let `layer` answer `logits`, as many numbers as it has, to whatever it reads.

    What is common in training need not be learned then, and an untrained network is wrong about
    what follows from what, and not about how often.
    """
    layer.weight.zero_()
    layer.bias.copy_(logits.flatten())
