"""The optional measurements of an encoder, and the names of the numbers of a health check."""

from __future__ import annotations

from typing import Literal

Measure = Literal["probes", "published_probes", "disentanglement"]
"""A measurement of an encoder in addition to its reconstructions."""

HealthNumber = Literal[
    "verdict",
    "findings",
    "lost",
    "lost_held_out",
    "moving_lost",
    "moving_lost_held_out",
    "places_lost",
    "still_things_lost",
    "distortion",
    "overfitting",
    "rate",
    "active",
    "active_share",
    "duplicates",
    "near_pixels",
    "near_moving",
    "near_state",
    "probes",
    "probes_above_untrained",
    "mig",
    "dci_informativeness",
]
"""A number of a health check; `worldvae.diagnostics.numbers` says what each is."""
