"""Measures whether frames with similar latents look alike, by their nearest training frames.

Shapes: Q queries, K candidates, P = H W C numbers of a frame, Z latents, S state variables.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from worldvae.diagnostics.examination import Reconstructions
from worldvae.indices import evenly
from worldvae.json_files import Content

Distances = NDArray[np.float32]
Rows = NDArray[np.float32]

QUERIES = 500
CANDIDATES_AT_ONCE = 256


class Closeness(Content):
    """How near chosen training frames are: 0 is a random frame, 1 the nearest training frame."""

    latents: float = Field(description="Chosen as the nearest in whitened latents.")
    pixels: float = Field(description="Chosen as the nearest in pixels, to compare with.")


class Neighbours(Content):
    """Whether frames with similar latents have similar pixels, motion and state."""

    queries: int = Field(description="Held-out frames.")
    candidates: int = Field(description="Training frames.")
    pixels: Closeness | None = Field(description="In all pixels; None if all frames are equal.")
    moving: Closeness | None = Field(description="In the pixels that move in the held-out frame.")
    state: Closeness | None = Field(description="In standardised state; None without one.")


def measure_neighbours(
    train: Reconstructions, held_out: Reconstructions, whitened: tuple[Rows, Rows]
) -> Neighbours:
    """Measure how near the frames of `train` with the nearest latents are to frames of `held_out`.

    At most QUERIES held-out frames are compared. `whitened` are the whitened codes of both.
    """
    queries = evenly(len(held_out.targets), QUERIES)
    candidates, frames = train.targets, held_out.targets[queries]
    moved = held_out.moved[queries]
    moves = moved.any((1, 2))
    in_pixels = frame_distances(frames, candidates, np.ones_like(moved))
    in_motion = frame_distances(frames[moves], candidates, moved[moves])
    in_state, known = _state_distances(train.state, held_out.state[queries])
    by_latents = squared_distances(whitened[1][queries], whitened[0]).argmin(1)
    by_pixels = in_pixels.argmin(1)
    return Neighbours(
        queries=len(queries),
        candidates=len(candidates),
        pixels=_closeness(in_pixels, by_latents, by_pixels),
        moving=_closeness(in_motion, by_latents[moves], by_pixels[moves]),
        state=_closeness(in_state, by_latents[known], by_pixels[known]),
    )


def squared_distances(a: Rows, b: Rows) -> Distances:
    """Return |a_i - b_j|^2: (Q, P), (K, P) -> (Q, K)."""
    # a^2 - 2ab + b^2 loses the fewest digits for numbers around 0.
    centre = b.mean(0)
    return masked_distances(a - centre, b - centre, np.ones_like(a))


def frame_distances(
    a: NDArray[np.uint8], b: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> Distances:
    """Return squared distances over the pixels in `mask`.

    (Q, H, W, C), (K, H, W, C), (Q, H, W) -> (Q, K).
    """
    queries = _flat(a)
    weight = np.broadcast_to(mask[..., None], a.shape).reshape(queries.shape).astype(np.float32)
    # Candidates are converted in parts: as float32 all of them need four times their memory.
    parts = np.split(b, range(CANDIDATES_AT_ONCE, len(b), CANDIDATES_AT_ONCE))
    return np.concatenate(
        [masked_distances(queries, _flat(part), weight) for part in parts], axis=1
    )


def masked_distances(a: Rows, b: Rows, weight: Rows) -> Distances:
    """Return sum_p weight_ip (a_ip - b_jp)^2: (Q, P), (K, P), (Q, P) -> (Q, K)."""
    own = (weight * a * a).sum(1, keepdims=True)
    squared = own - 2 * (weight * a) @ b.T + weight @ (b * b).T
    return np.asarray(np.maximum(squared, 0), np.float32)


def _flat(frames: NDArray[np.uint8]) -> Rows:
    """Flatten frames to floats in [0, 1]: (B, H, W, C) uint8 -> (B, P)."""
    size = math.prod(frames.shape[1:])
    return np.asarray(frames.reshape(len(frames), size) / np.float32(255), np.float32)


def _state_distances(
    train: NDArray[np.float64], held_out: NDArray[np.float64]
) -> tuple[Distances, NDArray[np.bool_]]:
    """Return state distances of the queries with a known state, and which these are.

    (K, S), (Q, S) -> (Q', K), (Q,). Discrete variables count as numbers, since most of them are
    positions in games. An undefined value counts as the mean.
    """
    known = np.asarray(~np.isnan(held_out).all(1))
    if not known.any() or np.isnan(train).all(1).any():
        return np.empty((0, len(train)), np.float32), np.zeros_like(known)
    defined = np.ma.masked_invalid(train)
    mean, std = (moment.filled(0.0) for moment in (defined.mean(axis=0), defined.std(axis=0)))
    varies = std > 0
    a, b = (
        np.nan_to_num((rows[:, varies] - mean[varies]) / std[varies]).astype(np.float32)
        for rows in (held_out[known], train)
    )
    return squared_distances(a, b), known


def _closeness(
    distances: Distances, by_latents: NDArray[np.int64], by_pixels: NDArray[np.int64]
) -> Closeness | None:
    """Return the closeness of the candidates chosen by latents and by pixels.

    `distances` (Q, K) are squared; `by_latents` and `by_pixels` (Q,) are the chosen candidates.
    Returns None if all candidates are equally far.
    """
    if not distances.size:
        return None
    rows = np.arange(len(distances))
    size = np.sqrt(distances.astype(np.float64))
    random, best = size.mean(), size.min(1).mean()
    if random - best <= 1e-6 * random:
        return None
    latents, pixels = (
        float((random - size[rows, chosen].mean()) / (random - best))
        for chosen in (by_latents, by_pixels)
    )
    return Closeness(latents=latents, pixels=pixels)
