"""Finds what each latent is about: the variable of the true state that it tells most of.

Shapes: B frames, Z latents, S state variables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.explore.segments import HeldOutFrame, ShownEpisodes
from worldvae.autoencoders.encoder import Encoder
from worldvae.envs.state import STATE

MOST_FRAMES = 2_000
LEAST_FRAMES = 50
LEAST_R2 = 0.25
"""A latent that tells less of a variable is not said to be about it."""


@dataclass(frozen=True)
class LatentSubject:
    """A variable, and the share of its variance that a line through one latent tells."""

    variable: str
    r2: float


@dataclass(frozen=True)
class FoundSubjects:
    """The subject of each latent that has one, and by how many frames they were found."""

    latents: dict[int, LatentSubject]
    frames: int


def find_subjects(encoder: Encoder, shown: ShownEpisodes) -> FoundSubjects:
    """Return what each latent is about in held-out frames; nothing where no state was recorded."""
    names = [variable.name for variable in shown.store.state_variables]
    if not names:
        return FoundSubjects({}, 0)
    moments = shown.moments(MOST_FRAMES)
    states = _states(shown, moments)
    known = np.asarray(np.isfinite(states).any(1))
    if known.sum() < LEAST_FRAMES:
        return FoundSubjects({}, 0)
    kept = [moment for moment, is_known in zip(moments, known, strict=True) if is_known]
    inputs = np.concatenate([shown.inputs(moment, encoder.stack) for moment in kept])
    shares = explained(encoder.encode(inputs), states[known])
    best = shares.argmax(1)
    found = {
        latent: LatentSubject(names[variable], float(shares[latent, variable]))
        for latent, variable in enumerate(best.tolist())
        if shares[latent, variable] >= LEAST_R2
    }
    return FoundSubjects(found, int(known.sum()))


def explained(codes: NDArray[np.floating], state: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squared correlation of each latent with each variable: (B, Z), (B, S) -> (Z, S).

    It is the R2 of a line through one latent. Variables that are not always known, or that never
    change, are not told.
    """
    centred = codes - codes.mean(0, dtype=np.float64)
    moved = state - state.mean(0)
    products = (centred.T @ np.nan_to_num(moved)) ** 2
    sizes = np.square(centred).sum(0)[:, None] * np.square(moved).sum(0)
    usable = np.isfinite(sizes) & (sizes > 0)
    return np.asarray(np.divide(products, sizes, out=np.zeros_like(products), where=usable))


def _states(shown: ShownEpisodes, moments: list[HeldOutFrame]) -> NDArray[np.float64]:
    """Return the true state at each moment, nan where none was recorded: (B, S)."""
    unknown = np.full(len(shown.store.state_variables), np.nan)
    recorded = {
        record.name: shown.store.arrays(record).get(STATE)
        for record in {moment.record.name: moment.record for moment in moments}.values()
    }
    rows = []
    for moment in moments:
        states = recorded[moment.record.name]
        rows.append(unknown if states is None else states[moment.frame])
    return np.array(rows, np.float64)
