"""The vector keys of a Dict observation, which episodes record beside the frames."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pydantic import Field, model_validator

from worldvae.envs.observations import other_spaces
from worldvae.json_files import Content


class KeyBounds(Content):
    """The bounds of a vector of float32, as text: JSON has no infinity. None are kept: no bounds.

    With them a dream shows the same space as the environment.
    """

    low: tuple[str, ...] = Field((), description="Least value of each number.")
    high: tuple[str, ...] = Field((), description="Greatest value of each number.")

    @classmethod
    def of(cls, space: spaces.Box) -> KeyBounds:
        """Return the bounds of `space`, (d,)."""
        low, high = (map(str, bound.tolist()) for bound in (space.low, space.high))
        return cls(low=tuple(low), high=tuple(high))

    def space(self, size: int) -> spaces.Box:
        """Return the Box of vectors (size,) with these bounds."""
        low = np.array(self.low or ["-inf"] * size).astype(np.float32)
        high = np.array(self.high or ["inf"] * size).astype(np.float32)
        return spaces.Box(low, high, dtype=np.float32)

    @model_validator(mode="after")
    def _are_numbers(self) -> KeyBounds:
        [float(bound) for bound in (*self.low, *self.high)]
        return self


NO_BOUNDS = KeyBounds(low=(), high=())


class RecordedKey(Content):
    """One key of a Dict observation that holds a vector of float32."""

    name: str = Field(min_length=1, description="The key.")
    size: int = Field(ge=1, description="How many numbers it holds.")
    bounds: KeyBounds = Field(NO_BOUNDS, description="Between which values they are.")

    def __str__(self) -> str:
        return f"{self.name} ({self.size})"


class RecordedKeys(Content):
    """The content of keys.json: which keys episodes record, in the order of their arrays."""

    keys: tuple[RecordedKey, ...]


def vector_keys(space: gym.Space[Any], image_key: str | None) -> tuple[RecordedKey, ...]:
    """Return the keys of observations of `space`, beside `image_key`, that hold a vector.

    `make_env` encodes every key but a further camera as a vector of float32. Cameras are left out,
    and there are no keys if observations are no Dict.
    """
    return tuple(
        RecordedKey(name=name, size=part.shape[0], bounds=KeyBounds.of(part))
        for name, part in other_spaces(space, image_key).items()
        if isinstance(part, spaces.Box) and part.dtype == np.float32 and len(part.shape) == 1
    )


def join_keys(observation: Any, keys: tuple[RecordedKey, ...]) -> NDArray[np.float32]:
    """Return a copy of the numbers of all `keys` in an observation, or in a batch: (..., X)."""
    return np.concatenate([observation[key.name] for key in keys], axis=-1)


def split_keys(
    numbers: NDArray[np.float32], keys: tuple[RecordedKey, ...]
) -> dict[str, NDArray[np.float32]]:
    """Return the numbers of each of `keys` by its name: (..., X) -> (..., d) each."""
    ends = np.cumsum([key.size for key in keys])
    parts = np.split(numbers, ends[:-1], axis=-1)
    return {key.name: part for key, part in zip(keys, parts, strict=True)}


def member(index: int) -> str:
    """Return the name in an episode's .npz of the key with this number.

    A key may have any name, also that of another array of the episode, so that it cannot serve.
    """
    return f"key_{index}"


def is_member(name: str) -> bool:
    """Return whether an array of an episode's .npz is that of a key."""
    return name.startswith("key_")
