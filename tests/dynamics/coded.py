"""Episodes as dynamics read them, from arrays in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worldvae.dynamics.sequences import EncodedEpisode
from worldvae.rollouts import Record


@dataclass(frozen=True)
class CodedEpisodes:
    """What `StartBank.of` reads."""

    every: Sequence[EncodedEpisode]

    @property
    def records(self) -> list[Record]:
        return [episode.record for episode in self.every]

    def episode(self, index: int) -> EncodedEpisode:
        return self.every[index]


def coded(
    codes: NDArray[np.float32], actions: NDArray[np.float32], terminated: bool
) -> EncodedEpisode:
    """An episode of T decisions: codes (T + 1, D), actions (T, A)."""
    rewards = np.zeros(len(actions), np.float32)
    described = record(len(actions), terminated)
    return EncodedEpisode(described, codes, np.zeros_like(codes), actions, rewards)


def record(length: int, terminated: bool) -> Record:
    """What a manifest says of an episode of the train split, which the environment ended."""
    return Record(
        name="000000",
        length=length,
        return_=0.0,
        seed=0,
        policy="random",
        split="train",
        terminated=terminated,
        cut=False,
        env="Linear-v0",
        seconds=0.0,
        frames_sha256="0" * 64,
        arrays_sha256="0" * 64,
    )
