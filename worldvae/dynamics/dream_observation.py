"""What agents observe in a dream: as in reality, latents and memory, and the keys beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.dynamics.dynamics_files import DynamicsCard
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.state import DynamicsState
from worldvae.errors import ArtifactError


class DreamObserver:
    """Turns states of dynamics into observations.

    Without keys an observation is a vector (Z + M,) of whitened latents and memory. With keys it is
    a Dict of that vector, under the image's key, and of each key in the environment's own units.
    """

    def __init__(self, dynamics: Dynamics, card: DynamicsCard) -> None:
        if card.keys and card.image_key is None:
            names = ", ".join(key.name for key in card.keys)
            raise ArtifactError(
                f"the card of the dynamics names the keys {names}, but no image_key"
            )
        self._dynamics, self._image_key, self._keys = dynamics, card.image_key, card.keys
        self._latents = dynamics.latents
        size = dynamics.latents + dynamics.memory_size
        features = spaces.Box(-np.inf, np.inf, (size,), np.float32)
        self.space: spaces.Box | spaces.Dict = features
        """The space of one observation."""
        if card.image_key is not None:
            others = {key.name: key.bounds.space(key.size) for key in card.keys}
            self.space = spaces.Dict({card.image_key: features, **others})

    @torch.inference_mode()
    def __call__(self, state: DynamicsState) -> Any:
        """Return the observations of N states: (N, Z + M), or a dict of (N, ...)."""
        codes = state.code.cpu().numpy()
        memory = self._dynamics.memory(state).cpu().numpy()
        features = np.concatenate([codes[:, : self._latents], memory], 1, dtype=np.float32)
        if self._image_key is None:
            return features
        return {self._image_key: features, **self._restored(codes)}

    def _restored(self, codes: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the keys of codes (N, D) in the environment's units, within their bounds."""
        restored, first = {}, self._latents
        for key in self._keys:
            numbers = codes[:, first : first + key.size]
            first += key.size
            assert isinstance(self.space, spaces.Dict)
            box = self.space[key.name]
            assert isinstance(box, spaces.Box)
            values = numbers * np.array(key.std, np.float32) + np.array(key.mean, np.float32)
            restored[key.name] = values.clip(box.low, box.high).astype(np.float32)
        return restored


def rows_of(observations: Any, rows: NDArray[np.intp]) -> list[Any]:
    """Return copies of the observations `rows` (E,) of N, each of its own."""
    if isinstance(observations, dict):
        return [{key: part[row].copy() for key, part in observations.items()} for row in rows]
    return [observations[row].copy() for row in rows]


def put_rows(observations: Any, rows: NDArray[np.intp], newer: Any) -> None:
    """Replace the observations `rows` (E,) of N by those of E others."""
    if isinstance(observations, dict):
        for key, part in observations.items():
            part[rows] = newer[key]
    else:
        observations[rows] = newer


def colored(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return frames (N, H, W, C) with three channels, grey ones too."""
    return frames if frames.shape[-1] == 3 else np.repeat(frames[..., :1], 3, axis=-1)
