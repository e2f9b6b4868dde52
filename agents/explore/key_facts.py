"""What the page knows of the vectors beside the frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agents.explore.contents import KeyFacts
from worldvae.dynamics.dynamics_files import KeyUnits
from worldvae.dynamics.key_units import is_choice
from worldvae.dynamics.model import Dynamics


def key_facts(dynamics: Dynamics, keys: Sequence[KeyUnits]) -> Iterator[KeyFacts]:
    """Yield the units of each key, its range as dreams know it, and what of it is worth showing."""
    low, high = dynamics.key_range.tolist()
    changes = dynamics.usual_key_changes.tolist()
    first = 0
    for key in keys:
        part = slice(first, first + key.size)
        first += key.size
        yield KeyFacts(
            name=key.name,
            mean=key.mean,
            std=key.std,
            low=low[part],
            high=high[part],
            steps=tuple(_steps(key, changes[part])),
            is_choice=is_choice(key),
        )


def _steps(key: KeyUnits, changes: Sequence[float]) -> Iterator[float]:
    """Yield the usual change of each number in its own unit, given in its deviations.

    Of what never changes in an episode it is a tenth of its size.
    """
    for change, mean, std in zip(changes, key.mean, key.std, strict=True):
        yield std * change or abs(mean) / 10
