"""Seeded random numbers, for the tests of statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from worldvae.stats import Resampling


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def resampling(seed: int = 0, **given: Any) -> Resampling:
    return Resampling.seeded(seed, **given)
