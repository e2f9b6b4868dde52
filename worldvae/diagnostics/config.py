"""The optional measurements of an encoder."""

from __future__ import annotations

from typing import Literal

Measure = Literal["probes", "published_probes", "disentanglement"]
"""A measurement of an encoder in addition to its reconstructions."""
