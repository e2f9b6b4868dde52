"""Windows are cut from episodes: where they start, and what is read of each.

Shapes: E episodes, W windows, n decisions of a segment, D numbers of a code, A of an action,
S state variables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldvae.diagnostics.fidelity.windows import Flags, Floats, Numbers, Windows

PAST = 16
"""Decisions before a start, by which the memory is warmed up."""

LONGEST_PAST = 64
"""The most of them that are read, whatever dreams of agents remember."""

FUTURE = 64
"""Decisions after a start."""


@dataclass(frozen=True)
class EpisodeSegment:
    """n decisions of an episode, and the n + 1 frames around them."""

    codes: Floats
    """Whitened posterior means and standardised keys, (n + 1, D)."""
    actions: Floats
    """(n, A)."""
    rewards: Floats
    """(n,)."""
    terminated: Flags
    """(n,)."""
    state: NDArray[np.float64]
    """(n + 1, S), nan where none was recorded."""


ReadSegment = Callable[[int, int, int], EpisodeSegment]
"""Reads decisions `first` to `last` (not included) of an episode, by its number."""


@dataclass(frozen=True)
class WindowStarts:
    """The episode of each window and the decision at which it starts, (W,) each."""

    episodes: Numbers
    times: Numbers


def lay_starts(lengths: Sequence[int], limit: int) -> WindowStarts:
    """Spread at most `limit` starts evenly over all decisions of episodes of `lengths` (E,)."""
    ends = np.cumsum(np.asarray(lengths, np.int64))
    total = int(ends[-1]) if len(ends) else 0
    count = min(limit, total)
    chosen = ((np.arange(count) + 0.5) * total / max(count, 1)).astype(np.int64)
    owners = np.searchsorted(ends, chosen, side="right")
    return WindowStarts(owners, chosen - np.concatenate([[0], ends])[owners])


def cut_windows(
    read: ReadSegment,
    starts: WindowStarts,
    lengths: Sequence[int],
    policies: Sequence[str],
    past: int = PAST,
    future: int = FUTURE,
) -> Windows:
    """Read the windows at `starts` from episodes of `lengths` that `policies` played, (E,) each."""
    columns: dict[str, list[NDArray[Any]]] = {}
    pairs = zip(starts.episodes.tolist(), starts.times.tolist(), strict=True)
    for episode, time in pairs:
        first, last = max(0, time - past), min(lengths[episode], time + future)
        before = past - (time - first)
        for name, values in vars(read(episode, first, last)).items():
            size = past + future + (name in {"codes", "state"})
            columns.setdefault(name, []).append(_placed(values, before, size))
        valid = np.zeros(past + future, bool)
        valid[before : before + last - first] = True
        columns.setdefault("valid", []).append(valid)
    return Windows(
        **{name: np.stack(values) for name, values in columns.items()},
        episodes=starts.episodes,
        policies=np.array([policies[episode] for episode in starts.episodes]),
        past=past,
    )


def _placed(values: NDArray[Any], before: int, size: int) -> NDArray[Any]:
    """Put values (n, ...) into an array (size, ...) after `before` rows of 0, or of nan."""
    blank = np.nan if values.dtype == np.float64 else 0
    placed = np.full((size, *values.shape[1:]), blank, values.dtype)
    placed[before : before + len(values)] = values
    return placed
