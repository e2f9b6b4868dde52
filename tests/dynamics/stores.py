"""Rollouts of known numbers, and an encoder whose codes can be read off the frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.autoencoders.encoder_files import EncoderCard
from worldvae.envs import EnvConfig, FrameConfig
from worldvae.rollouts import Episode, RecordedKey, RolloutStore
from worldvae.rollouts.manifest import split_of

ENV = EnvConfig(id="tests/Clock-v0", frame=FrameConfig(height=32, width=36))
SPEED = (RecordedKey(name="speed", size=2),)
SPACE = spaces.Discrete(3, start=5)
"""The environment's own actions: 5, 6, 7."""


class ReadingEncoder:
    """Reads its two latents off the first pixels of a frame: (10 r, g), and deviations (1, b)."""

    latents = 2
    card = EncoderCard(
        frame=ENV.frame,
        source_shape=(40, 48, 3),
        env_id=ENV.id,
        data_sha256="0" * 64,
        trained=False,
        latent_mean=(0, 0),
        latent_std=(10, 1),
        kl=(1, 1),
        action_size=0,
        scores={},
        versions={},
    )

    def __init__(self, stack: int = 1) -> None:
        self.stack = stack
        self.batches: list[int] = []

    def posterior(self, frames: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any]]:
        self.batches.append(len(frames))
        red, green, blue = frames[:, 0, 0, -3:].astype(np.float32).T
        return np.stack([10 * red, green], 1), np.stack([np.ones_like(blue), blue], 1)

    def whiten(self, latents: NDArray[Any]) -> NDArray[Any]:
        return latents / np.array([10, 1], np.float32)

    whiten_deviation = whiten


def episode(number: int, length: int, terminated: bool = True, speed: bool = False) -> Episode:
    """Frame t is red by t, green by `number`; the reward of decision t is 100 number + t.

    The action of decision t is 5 + t % 3; the frame after a termination is black.
    """
    times = np.arange(length + 1)
    frames = np.zeros((length + 1, 32, 36, 3), np.uint8)
    frames[..., 0], frames[..., 1], frames[..., 2] = times[:, None, None], number, 7
    if terminated:
        frames[-1] = 0
    last = times[1:] == length
    return Episode(
        obs=frames,
        action=5 + times[:-1] % 3,
        reward=100.0 * number + times[:-1],
        terminated=last & terminated,
        truncated=last & (not terminated),
        seed=0,
        policy="random",
        keys={"speed": np.stack([times, -2 * times], 1).astype(np.float32)} if speed else {},
    )


def fill(
    folder: Path, lengths: Sequence[int], ends: Sequence[bool] = (), speed: bool = False
) -> RolloutStore:
    """A store of such episodes, terminated unless `ends` says otherwise."""
    store = RolloutStore.create(folder, ENV)
    store.describe_keys(SPEED if speed else ())
    for number, length in enumerate(lengths):
        terminated = ends[number] if number < len(ends) else True
        store.append(episode(number, length, terminated, speed))
    return store


def numbers_of(split: str, below: int) -> list[int]:
    """The numbers of the episodes of a split."""
    return [number for number in range(below) if split_of(number) == split]
