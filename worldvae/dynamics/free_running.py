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


def end_error(probability: Tensor, batch: SequenceBatch, rate: Tensor) -> Tensor:
    """Return the Brier score of ends (B, T), over that of their mean rate; 0 without ends.

    Unlike a cross-entropy it is bounded: one surprise among the rare ends does not outweigh what
    is known of everything else.
    """
    variance = rate * (1 - rate)
    if not variance:
        return torch.zeros_like(probability)
    return (probability - batch.terminated.float()).square() / variance


def free_metrics(parts: dict[str, Tensor], batch: SequenceBatch) -> dict[str, Tensor]:
    """Return the means of errors (B, T) as metrics, and their mean as `loss`."""
    masks = {"codes": batch.targets, "keys": batch.targets}
    means = {
        f"free_{name}": masked_mean(part, masks.get(name, batch.valid))
        for name, part in parts.items()
    }
    return {"loss": torch.stack([*means.values()]).mean(), **means}
