"""Reconstructions made by hand, and the evidence of an encoder that nothing ails."""

from __future__ import annotations

from typing import Any

import numpy as np

from worldvae.autoencoders.objectives import BetaVAE
from worldvae.autoencoders.pixel_error import GaussianPixels
from worldvae.diagnostics.examination import Reconstructions
from worldvae.diagnostics.metrics.jackknife import EpisodeInterval
from worldvae.diagnostics.metrics.neighbours import Closeness, Neighbours
from worldvae.diagnostics.metrics.reconstruction import (
    Code,
    Errors,
    Overfitting,
    Reconstruction,
    Region,
)
from worldvae.diagnostics.metrics.state import Probes
from worldvae.diagnostics.rules.evidence import Evidence


def reconstructions(targets: np.ndarray[Any, Any], **given: Any) -> Reconstructions:
    """Of (B, H, W, C) uint8 targets; what is not given is zero."""
    count = len(targets)
    blank = {
        "moved": np.zeros(targets.shape[:3], bool),
        "error": np.zeros(targets.shape[:3], np.float32),
        "codes": np.zeros((count, 2), np.float32),
        "kl": np.zeros((count, 2), np.float32),
        "distortion": np.zeros(count, np.float32),
        "state": np.empty((count, 0)),
        "episodes": np.zeros(count, np.int64),
    }
    return Reconstructions(targets=targets, **{**blank, **given})


def errors(lost: float | None = 0.05, moving: float | None = 0.1, **given: Any) -> Errors:
    values = {
        "frames": 100,
        "episodes": 10,
        "mse": 0.001,
        "psnr": 30.0,
        "distortion": 50.0,
        "rate": 20.0,
        "lost": lost,
        "moving": None if moving is None else Region(share=0.1, mse=0.01, lost=moving),
        "static": Region(share=0.9, mse=0.001, lost=0.05),
    }
    return Errors(**{**values, **given})


def code(active: int = 8, latents: int = 8, **given: Any) -> Code:
    values = {
        "latents": latents,
        "rate": 20.0,
        "kl": (2.5,) * latents,
        "variance": (1.0,) * active + (0.0,) * (latents - active),
        "active": active,
        "dead": tuple(range(active, latents)),
        "duplicates": (),
    }
    return Code(**{**values, **given})


def evidence(**given: Any) -> Evidence:
    near = Closeness(latents=0.9, pixels=1.0)
    values = {
        "env_id": "Squares-v0",
        "trained": True,
        "objective": BetaVAE(),
        "pixels": GaussianPixels(),
        "frames": {"train": 800, "validation": 100, "test": 100},
        "reconstruction": Reconstruction(train=errors(), held_out=errors(0.06)),
        "code": code(),
        "overfitting": Overfitting(ratio=1.1, low=0.9, high=1.3),
        "neighbours": Neighbours(queries=100, candidates=800, pixels=near, moving=near, state=None),
        "probes": None,
        "no_probes": None,
        "disentanglement": None,
        "no_disentanglement": None,
    }
    return Evidence(**{**values, **given})


def probes(width: float = 0.0, **latents: float) -> Probes:
    """Group -> score of the latents, where pixels have 0.9, the untrained 0.3 and nothing 0.

    Intervals over episodes reach `width` to either side.
    """
    others = {"majority": 0.0, "pixels": 0.9, "untrained": 0.3}
    groups = {name: {"latents": score, **others} for name, score in latents.items()}
    mean = float(np.mean(list(latents.values())))
    return Probes(
        variables=(),
        groups=groups,
        mean={"latents": mean, **others},
        dropped={},
        rows={},
        duplicates=0,
        gained=around(mean - 0.3, width),
        kept={name: around(score / 0.9, width) for name, score in latents.items()},
    )


def around(value: float, width: float) -> EpisodeInterval:
    return EpisodeInterval(value=value, low=value - width, high=value + width)
