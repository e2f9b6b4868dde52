"""What is known of a code without the past: draws of training codes.

Shapes: W windows, H horizons, B draws, D numbers of a code.
"""

from __future__ import annotations

import numpy as np

from worldvae.diagnostics.fidelity.windows import Floats
from worldvae.stats import Array

DRAWS = 200
"""B: training codes that are drawn."""

AT_ONCE = 256


def climatology_scores(draws: Floats, truth: Floats) -> Array:
    """Return the energy score of the same draws (B, D) for every truth (W, H, D): (W, H)."""
    count, numbers = draws.shape
    within = np.linalg.norm(draws[:, None] - draws[None], axis=-1).sum(dtype=np.float64)
    within /= max(count * (count - 1), 1)
    flat = truth.reshape(-1, numbers)
    parts = np.array_split(flat, max(1, len(flat) // AT_ONCE))
    apart = [np.linalg.norm(rows[:, None] - draws[None], axis=-1).mean(1) for rows in parts]
    scores = np.concatenate(apart).reshape(truth.shape[:2]).astype(np.float64)
    return np.asarray((scores - within / 2) / np.sqrt(numbers))


def climatology_crps(draws: Floats, truth: Floats) -> Array:
    """Return the CRPS of the same draws (B, D) for each number of the truth: (W, H, D)."""
    found = np.empty(truth.shape)
    count = len(draws)
    rank = 2 * np.arange(1, count + 1) - count - 1
    for number, values in enumerate(np.sort(draws.T, axis=1).astype(np.float64)):
        within = 2 * (values * rank).sum() / (count * max(count - 1, 1))
        sums = np.concatenate([[0.0], np.cumsum(values)])
        wanted = truth[..., number]
        below = np.searchsorted(values, wanted)
        apart = wanted * (2 * below - count) - 2 * sums[below] + sums[-1]
        found[..., number] = apart / count - within / 2
    return found
