"""One trial of a sweep in the numbers that the figure and the recommendation read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from worldvae.checksum import read_checked_as
from worldvae.config import Config
from worldvae.diagnostics.metrics.reconstruction import Region
from worldvae.diagnostics.rules.evidence import Health

TrialState = Literal["complete", "pruned", "failed"]

# What scores without looking at the frame: a probe is worth what it adds to that.
FLOOR = "majority"

HEALTH = "health.json"


class Setting(Config):
    """What is tried: it names the folder, so that a trial tried again goes on in its own."""

    latents: int
    beta: float

    @classmethod
    def of(cls, latents: int, beta: float) -> Setting:
        """Three digits of `beta` tell any two of a curve apart, and can be read and typed."""
        return cls(latents=latents, beta=float(f"{beta:.3g}"))

    @property
    def name(self) -> str:
        return f"latents_{self.latents}_beta_{self.beta:g}"


class Point(Setting):
    """A finished trial; errors are squared, where black is 0 and white is 1."""

    rate: float
    """Held-out KL, nats a frame."""
    mse_train: float
    mse_held_out: float
    overfitting: float
    """Held-out over training error, and its interval over episodes, if there are two."""
    overfitting_low: float | None
    overfitting_high: float | None
    lost: float | None
    """Held-out, 1 is what the mean training image loses; None where nothing deviates from it."""
    lost_moving: float | None
    lost_static: float | None
    active: int
    probes: float | None
    """Mean score of linear probes; None if no true state was recorded."""
    floor: float | None

    @classmethod
    def measured(cls, setting: Setting, health: Health) -> Point:
        """The only place that knows where a health check keeps its numbers."""
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
        """From the health check in the trial's `folder`."""
        path = folder / HEALTH
        remedy = "delete it to measure this trial again"
        return cls.measured(setting, read_checked_as(path, Health, remedy))


def _lost(region: Region | None) -> float | None:
    return region.lost if region else None
