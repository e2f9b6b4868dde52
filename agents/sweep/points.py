"""The measurements of one trial that the figure and the recommendation use."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from worldvae.diagnostics.metrics.reconstruction import Region
from worldvae.diagnostics.rules.evidence import HEALTH, Health
from worldvae.json_files import Content

TrialState = Literal["complete", "pruned", "failed"]

FLOOR = "majority"
"""The probe that ignores the frame: others are worth what they score above it."""


class Setting(Content):
    """What a trial varies; it also names the folder, so that a repeated trial resumes there."""

    latents: int
    beta: float

    @classmethod
    def of(cls, latents: int, beta: float) -> Setting:
        """Return a setting with three digits of `beta`: easy to type, and distinct on a curve."""
        return cls(latents=latents, beta=float(f"{beta:.3g}"))

    @property
    def name(self) -> str:
        return f"latents_{self.latents}_beta_{self.beta:g}"


class Point(Setting):
    """The measurements of a finished trial; errors are squared, with pixels in [0, 1]."""

    rate: float
    """Held-out KL in nats per frame."""
    mse_train: float
    mse_held_out: float
    overfitting: float
    """Held-out error over training error; its interval over episodes needs two of them."""
    overfitting_low: float | None
    overfitting_high: float | None
    lost: float | None
    """Held-out error over that of the mean training image; None if no frame differs from it."""
    lost_moving: float | None
    lost_static: float | None
    active: int
    probes: float | None
    """Mean score of linear probes; None if no true state was recorded."""
    floor: float | None

    @classmethod
    def measured(cls, setting: Setting, health: Health) -> Point:
        """Return the point of a health check; no other code reads the structure of that check."""
        errors, overfitting = health.reconstruction, health.overfitting
        probes = health.probes.mean if health.probes else {}
        return cls(
            latents=setting.latents,
            beta=setting.beta,
            rate=errors.held_out.rate,
            mse_train=errors.train.mse,
            mse_held_out=errors.held_out.mse,
            overfitting=overfitting.ratio,
            overfitting_low=overfitting.low,
            overfitting_high=overfitting.high,
            lost=errors.held_out.lost,
            lost_moving=_lost(errors.held_out.moving),
            lost_static=_lost(errors.held_out.static),
            active=health.code.active,
            probes=probes.get("latents"),
            floor=probes.get(FLOOR),
        )

    @classmethod
    def read(cls, setting: Setting, folder: Path) -> Point:
        """Return the point of the health check in the trial's `folder`."""
        return cls.measured(setting, HEALTH.read(folder))


def _lost(region: Region | None) -> float | None:
    return region.lost if region else None
