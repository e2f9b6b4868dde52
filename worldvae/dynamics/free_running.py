"""How wrong dynamics are when they run freely, as in a dream."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from worldvae.dynamics.config import DynamicsObjective
from worldvae.dynamics.masks import masked_mean
from worldvae.dynamics.member import Member, end_probability
from worldvae.dynamics.noise import Noise
from worldvae.dynamics.sequences import SequenceBatch

CLIMATOLOGY = 1 / math.sqrt(math.pi)
"""The score of samples of N(0, 1) for numbers of N(0, 1), as whitened latents are."""


def free_metrics(
    networks: Sequence[Member],
    objective: DynamicsObjective,
    batch: SequenceBatch,
    noise: Noise,
    reward_scale: Tensor,
    end_rate: Tensor,
) -> dict[str, Tensor]:
    """Return how wrong free-running is, as `loss`, and its parts; each about 1 if useless.

    Nothing if no code of the batch follows what is observed and may be predicted: errors of
    rewards and ends alone would be no such mean. Rewards are judged by their deviation
    `reward_scale`, ends by their rate.
    """
    rest = batch.after(objective.observed)
    if not rest.targets.any():
        return {}
    scales = reward_scale, end_rate
    parts = [_free_errors(one, objective, batch, noise, scales) for one in networks]
    masks = {"codes": rest.targets, "keys": rest.targets}
    means = {
        f"free_{name}": masked_mean(
            torch.stack([part[name] for part in parts]).mean(0), masks.get(name, rest.valid)
        )
        for name in parts[0]
    }
    return {"loss": torch.stack([*means.values()]).mean(), **means}


def _free_errors(
    network: Member,
    objective: DynamicsObjective,
    batch: SequenceBatch,
    noise: Noise,
    scales: tuple[Tensor, Tensor],
) -> dict[str, Tensor]:
    """Return the errors (B, T) of one network that runs freely over what is not observed.

    `scales` are the deviation of rewards, and the rate of ends.
    """
    late, (reward_scale, end_rate) = objective.observed, scales
    rest = batch.after(late)
    start = batch.mean.new_zeros(len(batch), network.cell.carried)
    carried = network.read(batch.mean[:, :late], batch.actions[:, :late], start)[:, -1]
    runs = [network.run_freely(carried, batch.mean[:, late], rest.actions, noise) for _ in range(2)]
    events = [network.events(features) for features, _ in runs]
    rewards = [network.reward.mean(one.reward) for one in events]
    ends = [end_probability(one.end, objective.end_weight) for one in events]
    parts = code_errors((runs[0][1], runs[1][1]), rest.mean[:, 1:], network.code_latents)
    parts["reward"] = mean_error(rewards[0], rewards[1], rest.rewards) / reward_scale.square()
    parts["end"] = end_error(ends[0], ends[1], rest, end_rate)
    return parts


def crps(first: Tensor, second: Tensor, truth: Tensor) -> Tensor:
    """Return the continuous ranked probability score of two samples, each (...).

    E|x - y| - E|x - x'| / 2, which is least in expectation for samples of the true distribution
    (Gneiting & Raftery, 2007).
    """
    error = (first - truth).abs() + (second - truth).abs()
    return (error - (first - second).abs()) / 2


def code_errors(samples: tuple[Tensor, Tensor], truth: Tensor, latents: int) -> dict[str, Tensor]:
    """Return the score (B, T) of codes (B, T, D), of latents and of keys; 1: knows nothing."""
    scores = crps(*samples, truth) / CLIMATOLOGY
    parts = {"codes": scores[..., :latents].mean(-1)}
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
    """Return the Brier score of ends (B, T), over that of their mean rate; 0 without ends.

    Unlike a cross-entropy it is bounded: one surprise among the rare ends does not outweigh what
    is known of everything else.
    """
    variance = rate * (1 - rate)
    if not variance:
        return torch.zeros_like(first)
    return mean_error(first, second, batch.terminated.float()) / variance
