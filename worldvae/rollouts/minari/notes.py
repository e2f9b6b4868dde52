"""What worldvae adds to a dataset that it writes, so that it reads the same store back."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from worldvae.envs.config import EnvConfig
from worldvae.envs.state import StateVariable
from worldvae.json_files import Content
from worldvae.rollouts.episode import Episode
from worldvae.rollouts.keys import RecordedKey

NOTE = "worldvae"
"""The key of a note in the metadata of a dataset, and in those of each of its episodes."""


class DatasetNote(Content):
    """What worldvae notes in the metadata of a dataset."""

    env: EnvConfig = Field(description="The task, and how its frames were prepared.")
    source_shape: tuple[int, ...] = Field(description="Shape of the environment's own frame.")
    state: tuple[StateVariable, ...] = Field(description="The columns of infos/state.")
    keys: tuple[RecordedKey, ...] = Field(description="The keys beside the frame.")


class EpisodeNote(Content):
    """What worldvae notes in the metadata of an episode."""

    number: int = Field(ge=0, description="Its number in the store, which decides its split.")
    seed: int = Field(description="The seed of the collection.")
    policy: str = Field(description="The policy that played.")
    cut: bool = Field(description="Whether the collector cut it.")
    seconds: float = Field(description="The time that its collection took.")
    sha256: dict[str, str] = Field(description="The hash of each array by its name.")


def array_hashes(episode: Episode) -> dict[str, str]:
    """Return the SHA-256 of each array of `episode` by name, in hexadecimal."""
    keys = {f"key {name}": values for name, values in episode.keys.items()}
    arrays = {"frames": episode.obs, **episode.arrays, **keys}
    return {name: array_hash(array) for name, array in arrays.items()}


def array_hash(array: NDArray[Any]) -> str:
    """Return the SHA-256 of type, shape and bytes of `array`, in hexadecimal."""
    array = np.ascontiguousarray(array)
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
