"""Small frames, a small network and their card, for tests that train."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldvae.autoencoders.config import AutoencoderConfig
from worldvae.autoencoders.encoder_files import FrameOrigin
from worldvae.autoencoders.pixel_error import SQRT_HALF, BernoulliPixels, GaussianPixels, NoPixels
from worldvae.envs.frames import FrameConfig

SHAPE = (32, 36, 3)
PLAIN = {
    "gaussian": {"standardise": False, "sigma": SQRT_HALF},
    "bernoulli": {},
    "none": {"standardise": False},
}
"""Pixels as they are and a fixed sigma: closed forms are short then."""
ORIGIN = FrameOrigin(
    frame=FrameConfig(height=32, width=36),
    source_shape=(210, 160, 3),
    env_id="Squares-v0",
    data_sha256="0" * 64,
)


class Frames:
    """Arrays as a FrameSource, actions if `told`; raises `Killed` at the `dies_at`-th batch."""

    def __init__(
        self,
        frames: NDArray[np.uint8],
        dies_at: int | None = None,
        told: NDArray[np.float32] | None = None,
    ) -> None:
        self.frames, self.told = frames, told
        self.dies_at = dies_at
        self.batches = 0

    def __len__(self) -> int:
        return len(self.frames)

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        self.batches += 1
        if self.batches == self.dies_at:
            raise KilledError
        return self.frames[indices]

    def actions(self, indices: NDArray[np.int64]) -> NDArray[np.float32] | None:
        return None if self.told is None else self.told[indices]


class KilledError(Exception):
    """What a test throws into a run."""


def squares(count: int, seed: int, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint8]:
    """A bright square at a random place on a dark ground: (count, H, W, C)."""
    generator = np.random.default_rng(seed)
    frames = np.full((count, *shape), 30, np.uint8)
    for frame in frames:
        row, column = generator.integers(0, shape[0] - 10), generator.integers(0, shape[1] - 10)
        frame[row : row + 10, column : column + 10] = 220
    return frames


def terms(**values: Any) -> dict[str, dict[str, Any]]:
    """Keywords sorted into the sections objective and pixels."""
    of_pixels = {
        name
        for kind in (GaussianPixels, BernoulliPixels, NoPixels)
        for name in kind.model_fields
        if name in values
    }
    pixels = {name: values.pop(name) for name in of_pixels}
    return {"objective": values, "pixels": pixels}


def tiny(network: dict[str, Any] | None = None, **values: Any) -> AutoencoderConfig:
    """4 latents and 8 and 16 filters, or what `network` says; the keywords as in `terms`.

    Plain pixels unless they say otherwise.
    """
    parts = terms(**values)
    plain = PLAIN[parts["pixels"].get("likelihood", "gaussian")]
    return AutoencoderConfig.model_validate(
        {
            "network": {"latents": 4, "channels": (8, 16), **(network or {})},
            "objective": parts["objective"],
            "pixels": {**plain, **parts["pixels"]},
        }
    )
