"""One value for each split of a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
U = TypeVar("U")


class Splits(NamedTuple, Generic[T]):
    """What there is of the training, the validation and the test episodes."""

    train: T
    validation: T
    test: T

    def each(self, change: Callable[[T], U]) -> Splits[U]:
        """Return what `change` makes of the value of each split."""
        return Splits(*map(change, self))
