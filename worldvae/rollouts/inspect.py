"""A description of a store: its counts, returns, damage and duplicates, and a picture."""

from __future__ import annotations

import math
from collections import Counter
from hashlib import blake2b
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from worldvae.errors import ArtifactError
from worldvae.files import atomic_write_bytes, if_writable
from worldvae.rollouts.manifest import Record, unlisted
from worldvae.rollouts.store import RolloutStore
from worldvae.wording import percent

ROWS, COLUMNS = 6, 10
BAR = "#"


def inspect_store(store: RolloutStore) -> str:
    """Return a description of `store`, and write `contact_sheet.png` into its folder.

    Without the right to write there, a warning says so.

    Raises ArtifactError if the store holds no undamaged episode.
    """
    records = store.healthy()
    if not records:
        raise ArtifactError(
            f"{store.folder}: no whole episode is listed; python -m scripts.collect CONFIG"
        )
    sheet = store.folder / "contact_sheet.png"
    with if_writable():
        _write_png(sheet, contact_sheet(store, records))
    frames = sum(record.length + 1 for record in records)
    steps = store.env.action_repeat * sum(record.length for record in records)
    variables = _counts([v.group or v.name for v in store.state_variables])
    size = sum(path.stat().st_size for path in store.folder.iterdir())
    duplicates = count_duplicates(store, records)
    lines = [
        f"{store.folder}: {store.env.id}, frames of {store.env.frame}{_origin(store)}",
        f"{len(records)} episodes, {frames:,} frames, {steps:,} environment steps, "
        f"{size / 1e6:.0f} MB",
        f"splits: {_counts([record.split for record in records])}",
        f"policies: {_counts([record.policy for record in records])}",
        f"ends: {_counts([_end(record) for record in records])}",
        f"state variables: {variables or 'none'}",
        f"keys beside the frame: {', '.join(map(str, store.recorded_keys)) or 'none'}",
        f"duplicate frames: {duplicates:,} ({percent(duplicates / frames, 1)})",
        f"damaged episodes: {len(store.records) - len(records)}",
        f"episodes that the manifest does not list: {len(unlisted(store.folder, store.records))}",
        *_returns(records),
        *([f"contact sheet: {sheet}"] if sheet.exists() else []),
    ]
    return "\n".join(lines)


def _origin(store: RolloutStore) -> str:
    dataset = store.dataset
    return "" if dataset is None else f", from minari:{dataset.id}"


def _end(record: Record) -> str:
    if record.terminated:
        return "terminated"
    return "cut by the collector" if record.cut else "truncated by the environment"


def _returns(records: list[Record]) -> list[str]:
    """Describe the returns of all episodes but those that the collector cut short."""
    whole = [record for record in records if not record.cut]
    cut = len(records) - len(whole)
    if not whole:
        longest = max(record.length for record in records)
        return [
            "returns: none, since every episode was cut by the collector; what comes after "
            f"{longest} decisions is absent: raise rollouts.frames, or lower rollouts.num_envs"
        ]
    left_out = f" (without the {cut} that were cut)" if cut else ""
    return [f"returns{left_out}:", *histogram(np.array([record.return_ for record in whole]))]


def histogram(values: NDArray[np.float64], bins: int = 10, width: int = 40) -> list[str]:
    """Return a histogram of `values` as text, one line per bin: its range, its count and a bar."""
    counts, edges = np.histogram(values, bins=bins)
    # As many decimals as tell the edges apart, but no line of hundreds of digits.
    decimals = int(np.clip(-math.floor(math.log10(edges[1] - edges[0])), 1, 9))
    low_to_high = f"{{:9.{decimals}f}} to {{:9.{decimals}f}}"
    pairs = zip(counts, edges[:-1], edges[1:], strict=True)
    return [
        f"  {low_to_high.format(low, high)} {count:6d} {BAR * round(width * count / counts.max())}"
        for count, low, high in pairs
    ]


def count_duplicates(store: RolloutStore, records: list[Record]) -> int:
    """Return how many frames equal an earlier one, compared by a 64-bit digest of their bytes.

    Memory is held for these digests, 8 bytes a frame, and for a sorted copy of them.
    """
    digests = np.empty(sum(record.length + 1 for record in records), np.uint64)
    frames = (frame for record in records for frame in store.frames(record))
    for index, frame in enumerate(frames):
        digests[index] = int.from_bytes(blake2b(frame, digest_size=8).digest())
    return len(digests) - len(np.unique(digests))


def contact_sheet(store: RolloutStore, records: list[Record]) -> NDArray[np.uint8]:
    """Draw COLUMNS frames, from first to last, of each of ROWS episodes: (h, w, 3) uint8 RGB."""
    chosen = [records[i] for i in np.linspace(0, len(records) - 1, ROWS).astype(int)]
    rows = []
    for record in chosen:
        frames = store.frames(record)
        moments = np.linspace(0, len(frames) - 1, COLUMNS).astype(int)
        rows.append(np.concatenate([_framed(frames[moment]) for moment in moments], axis=1))
    return np.concatenate(rows)


def _framed(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the frame in colour, twice as large, with a white border of 2 pixels.

    (H, W, C) -> (2 H + 4, 2 W + 4, 3).
    """
    colored = np.repeat(frame, 3 // frame.shape[2], axis=2)
    large = colored.repeat(2, axis=0).repeat(2, axis=1)
    return np.pad(large, ((2, 2), (2, 2), (0, 0)), constant_values=255)


def _counts(values: list[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in Counter(values).most_common())


def _write_png(path: Path, image: NDArray[np.uint8]) -> None:
    _, data = cv2.imencode(".png", image[..., ::-1])  # OpenCV writes BGR
    atomic_write_bytes(path, data.tobytes())
