"""How wrong dynamics are when they run freely, as in a dream."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from worldvae.dynamics.config import DynamicsObjective
from worldvae.dynamics.member import Member, end_probability
from worldvae.dynamics.noise import Noise
from worldvae.dynamics.sequences import SequenceBatch

CLIMATOLOGY = 1 / math.sqrt(math.pi)
"""The score of samples of N(0, 1) for numbers of N(0, 1), as whitened latents are."""

LEAST_WEIGHT = 1e-6
"""A run that is over counts this little."""


@dataclass(frozen=True)
class TrainingSpread:
    """How much there is to know, measured on training windows: what errors are divided by."""

    codes: Tensor
    """The standard deviation of a latent, in the mean over all of them: ()."""
    reward: Tensor
    """The standard deviation of rewards: (); 0 where they are all equal."""
    end_rate: Tensor
    """The share of decisions that end an episode: ()."""


def free_metrics(
    networks: Sequence[Member],
    objective: DynamicsObjective,
    batch: SequenceBatch,
    noise: Noise,
    spread: TrainingSpread,
) -> dict[str, Tensor]:
    """Return how wrong free-running is, as `loss`, and its parts; each about 1 if useless.

    Nothing if no code of the batch follows what is observed and may be predicted: errors of
    rewards and ends alone would be no such mean. A part of which nothing differs in training, as
    ends where no episode ends, is left out.
    """
    rest = batch.after(objective.observed)
    if not rest.targets.any():
        return {}
    runs = [_free_errors(one, objective, batch, noise, spread) for one in networks]
    masks = {"codes": rest.targets, "keys": rest.targets}
    means = {
        f"free_{name}": torch.stack(
            [at_risk_mean(run[name], alive, masks.get(name, rest.valid)) for run, alive in runs]
        ).mean()
        for name in runs[0][0]
    }
    return {"loss": torch.stack([*means.values()]).mean(), **means}


def _free_errors(
    network: Member,
    objective: DynamicsObjective,
    batch: SequenceBatch,
    noise: Noise,
    spread: TrainingSpread,
) -> tuple[dict[str, Tensor], Tensor]:
    """Return errors of one network that runs freely over what is not observed: (B, T) each.

    Beside them how probable it is that both of its runs get to each decision: (B, T).
    """
    late = objective.observed
    rest = batch.after(late)
    start = batch.mean.new_zeros(len(batch), network.cell.carried)
    carried = network.read(batch.mean[:, :late], batch.actions[:, :late], start)[:, -1]
    runs = [network.run_freely(carried, batch.mean[:, late], rest.actions, noise) for _ in range(2)]
    events = [network.events(features) for features, _ in runs]
    paid, other = (network.reward.mean(one.reward) for one in events)
    end, other_end = (end_probability(one.end, objective.end_weight) for one in events)
    parts = code_errors((runs[0][1], runs[1][1]), rest.mean[:, 1:], network.code_latents, spread)
    if spread.reward > 0:
        parts["reward"] = mean_error(paid, other, rest.rewards) / spread.reward.square()
    if 0 < spread.end_rate < 1:
        parts["end"] = end_error(end, other_end, rest, spread.end_rate)
    return parts, survival(end) * survival(other_end)


def survival(ends: Tensor) -> Tensor:
    """Return how probable it is that no decision before it has ended a run: (B, T) -> (B, T).

    Never 0, so that of runs that are sure to be over all count alike.
    """
    before = torch.cat([torch.zeros_like(ends[:, :1]), ends[:, :-1]], 1)
    return (1 - before).cumprod(1).clamp(min=LEAST_WEIGHT)


def at_risk_mean(errors: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
    """Return the mean error of decisions, weighted within each step of the windows.

    Errors, weights and mask are (B, T). Episodes that get to step t are those that were not to end
    before, and are compared with the runs of which the same is true, as in a life table: dynamics
    that know which episodes are about to end would be called wrong about those that go on. Each
    step counts as often as episodes get there, however improbable the dynamics think that is.
    """
    weights, counts = weights * mask, mask.sum(0)
    sums = weights.sum(0).clamp(min=LEAST_WEIGHT**2)
    each = (torch.where(mask, errors, 0) * weights).sum(0) / sums
    return (each * counts).sum() / counts.sum().clamp(min=1)


def crps(first: Tensor, second: Tensor, truth: Tensor) -> Tensor:
    """Return the continuous ranked probability score of two samples, each (...).

    E|x - y| - E|x - x'| / 2, which is least in expectation for samples of the true distribution
    (Gneiting & Raftery, 2007).
    """
    error = (first - truth).abs() + (second - truth).abs()
    return (error - (first - second).abs()) / 2


def code_errors(
    samples: tuple[Tensor, Tensor], truth: Tensor, latents: int, spread: TrainingSpread
) -> dict[str, Tensor]:
    """Return the score (B, T) of codes (B, T, D), of latents and of keys; 1: knows nothing.

    Latents that hardly vary, as collapsed ones do, count as little as they vary.
    """
    scores = crps(*samples, truth) / CLIMATOLOGY
    parts = {"codes": scores[..., :latents].mean(-1) / spread.codes}
    if scores.shape[-1] > latents:
        parts["keys"] = scores[..., latents:].mean(-1)
    return parts


def mean_error(first: Tensor, second: Tensor, truth: Tensor) -> Tensor:
    """Return the squared error of an expectation, of two independent estimates of it, each (...).

    (x - y) (x' - y): on average that of their mean over all runs, which is least for the true
    expectation (an absolute error is least for the median, 0 where rewards are rare). The square of
    a run's own error would punish dreams for being as uncertain as the world.
    """
    return (first - truth) * (second - truth)


def end_error(first: Tensor, second: Tensor, batch: SequenceBatch, rate: Tensor) -> Tensor:
    """Return the Brier score of ends (B, T), over that of their mean `rate` in training.

    Unlike a cross-entropy it is bounded: one surprise among the rare ends does not outweigh what
    is known of everything else.
    """
    return mean_error(first, second, batch.terminated.float()) / (rate * (1 - rate))
