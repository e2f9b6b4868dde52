"""What the rollouts of a run hold and have cost, by their manifest and by their `result.json`."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from agents.run.stage_results import COLLECTION, CollectionResult
from worldvae.rollouts import RolloutStore


@dataclass(frozen=True)
class Spent:
    """What was taken so far; processor seconds None: nobody recorded them."""

    env_steps: int = 0
    seconds: float = 0.0
    cpu_seconds: float | None = 0.0
    peak_memory: int = 0


def told_of(folder: Path) -> CollectionResult | None:
    """What `result.json` says of the rollouts; one that is damaged says nothing."""
    return COLLECTION.read(folder) if COLLECTION.is_whole(folder) else None


def is_collected(store: RolloutStore, frames: int) -> bool:
    """Whether `store` holds so many frames, and all that `result.json` tells of."""
    told, held = told_of(store.folder), (store.num_frames, len(store.records))
    return told is not None and held == (told.frames, told.episodes) and held[0] >= frames


def lost_since(told: CollectionResult | None, store: RolloutStore, before: Spent) -> Spent:
    """What episodes took that `told` counts and that are listed no more: it was spent."""
    if told is None:
        return Spent()
    held = len(store.records)
    if (told.episodes, told.frames) > (held, store.num_frames):
        warnings.warn(
            f"{store.folder}: result.json tells of {told.episodes} episodes and {told.frames} "
            f"frames, the manifest lists {held} and {store.num_frames}; the others are lost, and "
            "what they took stays charged",
            stacklevel=3,
        )
    seconds = sum(record.seconds for record in store.records)
    return Spent(
        max(0, told.env_steps - before.env_steps - store.env_steps),
        max(0.0, told.seconds - before.seconds - seconds),
    )


def recorded(told: CollectionResult | None, store: RolloutStore, before: Spent) -> Spent:
    """Processor seconds, those of `before` included, and memory of what `store` holds already."""
    if not store.records:
        return before
    if told is None:
        return Spent(cpu_seconds=None)
    return Spent(cpu_seconds=told.cpu_seconds, peak_memory=told.peak_memory or 0)
