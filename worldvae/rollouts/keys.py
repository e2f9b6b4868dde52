"""The vector keys of a Dict observation, which episodes record beside the frames."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pydantic import Field

from worldvae.config import Config


class RecordedKey(Config):
    """One key of a Dict observation that holds a vector of float32."""

    name: str = Field(min_length=1, description="The key.")
    size: int = Field(ge=1, description="How many numbers it holds.")

    def __str__(self) -> str:
        return f"{self.name} ({self.size})"


class RecordedKeys(Config):
    """The content of keys.json: which keys episodes record, in the order of their arrays."""

    keys: tuple[RecordedKey, ...]


def vector_keys(space: gym.Space[Any], image_key: str | None) -> tuple[RecordedKey, ...]:
    """Return the keys of observations of `space`, beside `image_key`, that hold a vector.

    `make_env` encodes every key but a further camera as a vector of float32. Cameras are left out,
    and there are no keys if observations are no Dict.
    """
    if image_key is None or not isinstance(space, spaces.Dict):
        return ()
    others = {name: part for name, part in space.spaces.items() if name != image_key}
    return tuple(
        RecordedKey(name=name, size=part.shape[0])
        for name, part in others.items()
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
