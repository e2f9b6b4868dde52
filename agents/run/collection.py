"""The state and the cost of a run's rollouts, from their manifest and `result.json`."""

from __future__ import annotations

import warnings
from pathlib import Path

from agents.run.stage_results import COLLECTION, CollectionResult, Cost
from worldvae.rollouts import RolloutStore


def read_collection_result(folder: Path) -> CollectionResult | None:
    """Read the `result.json` of the rollouts in `folder`; None if it is missing or damaged."""
    return COLLECTION.read(folder) if COLLECTION.is_whole(folder) else None


def is_collected(store: RolloutStore, frames: int) -> bool:
    """Return whether `store` holds `frames` frames or more, and all that `result.json` counts."""
    result, listed = read_collection_result(store.folder), (store.num_frames, len(store.records))
    return result is not None and listed == (result.frames, result.episodes) and listed[0] >= frames


def lost_since(result: CollectionResult | None, store: RolloutStore, before: Cost) -> Cost:
    """Return the cost of episodes that `result` counts and that the manifest no longer lists.

    Their cost remains charged; a warning names their number. `before` is what `result` counts
    beside its episodes.
    """
    if result is None:
        return Cost()
    listed = len(store.records)
    if (result.episodes, result.frames) > (listed, store.num_frames):
        warnings.warn(
            f"{store.folder}: result.json tells of {result.episodes} episodes and {result.frames} "
            f"frames, the manifest lists {listed} and {store.num_frames}; the others are lost, and "
            "what they took stays charged",
            stacklevel=3,
        )
    seconds = sum(record.seconds for record in store.records)
    return Cost(
        max(0, result.env_steps - before.env_steps - store.env_steps),
        max(0.0, result.seconds - before.seconds - seconds),
    )
