"""The single numbers of a health check, by which encoders can be ordered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from worldvae.diagnostics.config import HealthNumber
from worldvae.diagnostics.finding import SEVERITIES
from worldvae.diagnostics.metrics.neighbours import Closeness
from worldvae.diagnostics.metrics.reconstruction import Region
from worldvae.diagnostics.rules.evidence import Health, Verdict
from worldvae.diagnostics.rules.findings import MOVING_LOST

VERDICTS = get_args(Verdict)
"""The worst first."""


@dataclass(frozen=True)
class NumberOfHealth:
    """One number of a health check: where it stands, what it means, and which way is better."""

    title: str
    meaning: str
    better: int
    """1 if the check's advice takes a larger one for better, -1 a smaller one, 0 neither."""
    of: Callable[[Health], float | None]
    """Reads it; None where it was not measured."""


def _grave_findings(health: Health) -> int:
    return sum(finding.severity != SEVERITIES[-1] for finding in health.findings)


def _lost(region: Region | None) -> float | None:
    return None if region is None else region.lost


def _places_lost(health: Health) -> float | None:
    places = health.reconstruction.train.places
    if places is None:
        return None
    return sum(share > MOVING_LOST for share in places.known) / len(places.known)


def _still_things_lost(health: Health) -> float | None:
    things = health.reconstruction.train.still_things
    return None if things is None else things.lost


def _near(closeness: Closeness | None) -> float | None:
    return None if closeness is None else closeness.latents


def _probed(health: Health, features: str) -> float | None:
    return None if health.probes is None else health.probes.mean[features]


def _probes_gained(health: Health) -> float | None:
    latents, untrained = _probed(health, "latents"), _probed(health, "untrained")
    return None if latents is None or untrained is None else latents - untrained


def _informativeness(health: Health) -> float | None:
    scores = health.disentanglement
    return None if scores is None else scores.dci_informativeness


NUMBERS: dict[HealthNumber, NumberOfHealth] = {
    "verdict": NumberOfHealth(
        "verdict", "0 unfit, 1 doubtful, 2 healthy", 1, lambda h: VERDICTS.index(h.verdict)
    ),
    "findings": NumberOfHealth("findings", "those that are no mere notes", -1, _grave_findings),
    "lost": NumberOfHealth(
        "pixels lost",
        "share of all pixels' deviation from the mean image that is lost, training frames",
        -1,
        lambda h: h.reconstruction.train.lost,
    ),
    "lost_held_out": NumberOfHealth(
        "pixels lost, held out",
        "share of all pixels' deviation from the mean image that is lost, held-out frames",
        -1,
        lambda h: h.reconstruction.held_out.lost,
    ),
    "moving_lost": NumberOfHealth(
        "moving pixels lost",
        "share of moving pixels' deviation from the mean image that is lost, training frames",
        -1,
        lambda h: _lost(h.reconstruction.train.moving),
    ),
    "moving_lost_held_out": NumberOfHealth(
        "moving pixels lost, held out",
        "share of moving pixels' deviation from the mean image that is lost, held-out frames",
        -1,
        lambda h: _lost(h.reconstruction.held_out.moving),
    ),
    "places_lost": NumberOfHealth(
        "places lost",
        "share of the places of a frame in which more than half of what moves is lost",
        -1,
        _places_lost,
    ),
    "still_things_lost": NumberOfHealth(
        "still things lost",
        "share of the things that stand still of which more than half is lost, training frames",
        -1,
        _still_things_lost,
    ),
    "distortion": NumberOfHealth(
        "distortion", "held out, nats a frame", -1, lambda h: h.reconstruction.held_out.distortion
    ),
    "overfitting": NumberOfHealth(
        "overfitting", "held-out error over training error", -1, lambda h: h.overfitting.ratio
    ),
    "rate": NumberOfHealth(
        "rate", "KL to the prior, held out, nats a frame", 0, lambda h: h.code.rate
    ),
    "active": NumberOfHealth(
        "active latents", "latents that vary with the frame", 1, lambda h: h.code.active
    ),
    "active_share": NumberOfHealth(
        "share of latents active",
        "active latents over all latents",
        1,
        lambda h: h.code.active / h.code.latents,
    ),
    "duplicates": NumberOfHealth(
        "duplicates",
        "pairs of active latents that are correlated above 0.95",
        -1,
        lambda h: len(h.code.duplicates),
    ),
    "near_pixels": NumberOfHealth(
        "near in pixels",
        "how alike in pixels frames of nearest latents are, 1: as the nearest there is",
        1,
        lambda h: _near(h.neighbours.pixels),
    ),
    "near_moving": NumberOfHealth(
        "near in moving pixels",
        "how alike in moving pixels frames of nearest latents are",
        1,
        lambda h: _near(h.neighbours.moving),
    ),
    "near_state": NumberOfHealth(
        "near in true state",
        "how alike in true state frames of nearest latents are",
        1,
        lambda h: _near(h.neighbours.state),
    ),
    "probes": NumberOfHealth(
        "linear probes",
        "held-out score of the best linear map from whitened latents to the true state",
        1,
        lambda h: _probed(h, "latents"),
    ),
    "probes_above_untrained": NumberOfHealth(
        "probes above untrained",
        "that score less that of the same network with initial weights",
        1,
        _probes_gained,
    ),
    "mig": NumberOfHealth(
        "MIG (own variant)",
        "after Chen et al. 2018",
        1,
        lambda h: None if h.disentanglement is None else h.disentanglement.mig,
    ),
    "dci_informativeness": NumberOfHealth(
        "DCI informativeness",
        "own variant, after Eastwood & Williams 2018",
        1,
        _informativeness,
    ),
}
