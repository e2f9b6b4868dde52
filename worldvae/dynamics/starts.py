"""Starts of dreams: real frames, and the real decisions before each, which the memory holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldvae.dynamics.config import Starts
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.sequences import EncodedEpisode
from worldvae.dynamics.state import DynamicsState
from worldvae.errors import ConfigError
from worldvae.indices import evenly
from worldvae.rollouts import Record

CHUNK = 1_024
"""How many starts are observed in one batch."""


class EpisodeSource(Protocol):
    """Episodes as dynamics read them, such as `Sequences` of a split."""

    @property
    def records(self) -> Sequence[Record]:
        """What is known of each episode before it is read."""

    def episode(self, index: int) -> EncodedEpisode:
        """Read one episode."""


@dataclass(frozen=True)
class StartBank:
    """S real frames from which dreams begin, each with at most B real decisions before it."""

    codes: Tensor
    """(S, B + 1, D): the last is the code of the start; those before burn-in are zeros."""
    actions: Tensor
    """(S, B, A): the encoded actions between them."""
    burn_in: Tensor
    """(S,) int64: how many decisions are before each start; fewer than B early in an episode."""
    places: Tensor
    """(S, 2) int64: the number of the episode among those given, and of the frame in it."""

    def __len__(self) -> int:
        return len(self.codes)

    @classmethod
    def of(cls, episodes: EpisodeSource, starts: Starts, burn_in: int, bank: int) -> StartBank:
        """Return at most `bank` starts, spread evenly over all that `episodes` offer.

        Args:
            episodes: The episodes; only the chosen windows of them are read.
            starts: any: every real frame but the last one of an episode that terminated, which
                shows whatever the environment leaves; first: the first frame of each episode.
            burn_in: B, the most real decisions that are observed before a start.
            bank: S, the most starts.

        Raises ConfigError if there is no episode.
        """
        if not episodes.records:
            raise ConfigError("no episodes to start dreams from; collect more (rollouts.frames)")
        places = spread_starts(episodes.records, bank, starts)
        numbers = places[:, 0]
        most = min(burn_in, int(places[:, 1].max()))
        windows = [
            _window(episode, frame, most)
            for number in np.unique(numbers).tolist()
            for episode in [episodes.episode(number)]
            for frame in places[numbers == number, 1].tolist()
        ]
        codes, actions = (np.stack(part) for part in zip(*windows, strict=True))
        return cls(
            torch.from_numpy(codes),
            torch.from_numpy(actions),
            torch.from_numpy(np.minimum(places[:, 1], most)),
            torch.from_numpy(places),
        )

    def shortened(self, burn_in: int, bank: int) -> StartBank:
        """Return at most `bank` of these starts, with at most `burn_in` decisions before each."""
        rows = torch.from_numpy(evenly(len(self), bank))
        first = max(0, self.actions.shape[1] - burn_in)
        return StartBank(
            self.codes[rows, first:],
            self.actions[rows, first:],
            self.burn_in[rows].clamp(max=burn_in),
            self.places[rows],
        )

    @torch.inference_mode()
    def states(self, dynamics: Dynamics) -> DynamicsState:
        """Return the state of `dynamics` at each start, once it has observed the burn-in."""
        device = next(dynamics.parameters()).device
        parts = [
            self._observed(dynamics, slice(first, first + CHUNK), device)
            for first in range(0, len(self), CHUNK)
        ]
        carried = torch.cat([part.carried for part in parts], 1)
        return DynamicsState(carried, torch.cat([part.code for part in parts]))

    def _observed(self, dynamics: Dynamics, rows: slice, device: torch.device) -> DynamicsState:
        codes, actions = self.codes[rows].to(device), self.actions[rows].to(device)
        most = actions.shape[1]
        first = most - self.burn_in[rows].to(device)
        # Until its first real decision, each row begins anew at every step.
        nothing = torch.zeros(len(codes), actions.shape[2], device=device)
        before = [nothing, *actions.unbind(1)]
        state = dynamics.initial(len(codes))
        for step, action in enumerate(before):
            state = dynamics.observe(state, codes[:, step], action, step <= first)
        return state


def spread_starts(records: Sequence[Record], most: int, starts: Starts) -> NDArray[np.int64]:
    """Return at most `most` frames from which a dream may begin, spread evenly over all: (S, 2).

    A row has the number of the episode among `records`, and of the frame in it.
    """
    begins = np.cumsum([0, *(_start_count(record, starts) for record in records)])
    chosen = evenly(int(begins[-1]), most)
    numbers = np.searchsorted(begins, chosen, side="right") - 1
    return np.stack([numbers, chosen - begins[numbers]], 1)


def _start_count(record: Record, starts: Starts) -> int:
    """Return how many starts an episode of T decisions has: T, or T + 1 if it was truncated."""
    if starts == "first":
        return 1
    return record.length + (not record.terminated)


def _window(
    episode: EncodedEpisode, frame: int, burn_in: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return codes (B + 1, D) up to `frame` and the actions (B, A) between, padded in front."""
    first = max(0, frame - burn_in)
    missing = burn_in - (frame - first)
    codes = np.asarray(episode.codes[first : frame + 1], np.float32)
    actions = np.asarray(episode.actions[first:frame], np.float32)
    padding = (missing, 0), (0, 0)
    return np.pad(codes, padding), np.pad(actions, padding)
