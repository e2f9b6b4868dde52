"""What can be asked of an examination of encoders."""

from __future__ import annotations

from typing import Literal

Measure = Literal["probes", "published_probes", "disentanglement"]
"""What can be measured of an encoder beside its reconstructions."""
