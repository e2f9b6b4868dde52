"""How wrong dynamics are when they run freely, as in a dream."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from worldvae.dynamics.masks import masked_mean
from worldvae.dynamics.sequences import SequenceBatch

CLIMATOLOGY = 1 / math.sqrt(math.pi)
"""The score of samples of N(0, 1) for numbers of N(0, 1), as whitened latents are."""


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


def free_metrics(parts: dict[str, Tensor], batch: SequenceBatch) -> dict[str, Tensor]:
    """Return the means of errors (B, T) as metrics, and their mean as `loss`."""
    masks = {"codes": batch.targets, "keys": batch.targets}
    means = {
        f"free_{name}": masked_mean(part, masks.get(name, batch.valid))
        for name, part in parts.items()
    }
    return {"loss": torch.stack([*means.values()]).mean(), **means}
