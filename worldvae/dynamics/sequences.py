"""Windows of episodes as batches: codes, actions, and what followed from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldvae.dynamics.actions import PolicyActions
from worldvae.dynamics.codes import Codes, EncodedRollouts
from worldvae.dynamics.dynamics_files import KeyUnits
from worldvae.dynamics.key_units import standardised
from worldvae.envs.actions import agent_actions
from worldvae.errors import ArtifactError
from worldvae.rollouts import Record
from worldvae.rollouts.manifest import Split
from worldvae.training.batches import Numbers, TensorBatch

CHUNK = 8_192
"""Windows whose decisions are listed at once; those of all would need much memory."""


@dataclass(frozen=True)
class SequenceBatch(TensorBatch):
    """B windows of W decisions and W + 1 codes; an episode that ends sooner is padded with zeros.

    Decision t takes `actions[:, t]` at code t; it leads to `rewards[:, t]`, to an end if
    `terminated[:, t]`, and to code t + 1.
    """

    mean: Tensor
    """(B, W + 1, D): whitened posterior means of the latents, and standardised keys."""
    deviation: Tensor
    """(B, W + 1, D): posterior deviations in the same units; 0 for keys."""
    actions: Tensor
    """(B, W, A)."""
    rewards: Tensor
    """(B, W)."""
    terminated: Tensor
    """(B, W) bool."""
    valid: Tensor
    """(B, W) bool: whether there is such a decision."""

    @property
    def targets(self) -> Tensor:
        """(B, W) bool: whether the code after the decision may be predicted.

        The frame after a termination is whatever the environment shows last, often black.
        """
        return self.valid & ~self.terminated

    def after(self, decisions: int) -> SequenceBatch:
        """Return the windows without their first `decisions`; they begin at the code after them."""
        return self.each(lambda part: part[:, decisions:])


@dataclass(frozen=True)
class EncodedEpisode:
    """One episode of T decisions as dynamics read it."""

    record: Record
    codes: Codes
    """(T + 1, D): whitened posterior means, and standardised keys."""
    deviation: Codes
    """(T + 1, D): posterior deviations in the same units; 0 for keys."""
    actions: NDArray[np.float32]
    """(T, A)."""
    rewards: NDArray[np.float32]
    """(T,)."""

    @property
    def terminated(self) -> bool:
        """Whether the last decision ended the task; else the episode was truncated."""
        return self.record.terminated


class Sequences:
    """The windows of one split as the examples that `fit` reads, numbered episode by episode.

    Windows of an episode of T decisions begin at decision 0 and at every multiple of the stride
    below T, and none goes on into another episode. So how often a decision is read, W / stride
    times but for the first ones of an episode, does not depend on when the episode ends: with fewer
    windows the last decision would be read less often than others, and ends would be learned at
    less than their rate. The default stride of W / 2 gives each decision that stands at a window's
    start, where nothing is remembered, in the middle of another window too.

    Codes are read from disk when a batch asks for them; actions, rewards, ends and keys are held.

    Args:
        encoded: The episodes and their codes.
        split: Which of them are read.
        space: The environment's own action space, `recorded_action_space`.
        keys: The units of the keys that the store records, `measure_keys` of training episodes.
        window: W, the decisions of a window.
        stride: The decisions between the starts of two windows; None is half a window.
    """

    def __init__(
        self,
        encoded: EncodedRollouts,
        split: Split,
        space: gym.Space[Any],
        keys: Sequence[KeyUnits],
        window: int,
        stride: int | None = None,
    ) -> None:
        self._encoded, self._split, self._units = encoded, split, tuple(keys)
        self.window, self.stride = window, stride or max(1, window // 2)
        self.actions, self.latents = PolicyActions.of(space), encoded.latents
        self.records = [record for record in encoded.records if record.split == split]
        self._lengths = np.array([record.length for record in self.records], np.int64)
        # Of each episode the number of its first window, and the row of its first decision.
        self._windows = _starts(-(-self._lengths // self.stride))
        self._rows = _starts(self._lengths)
        self._read_episodes(space)
        self._check_rewards()

    def _read_episodes(self, space: gym.Space[Any]) -> None:
        """Read and join what is held of all episodes, by rows, and the keys of each."""
        taken, rewards, ends = list[NDArray[Any]](), list[NDArray[Any]](), list[NDArray[Any]]()
        self._keys = list[Codes]()
        for record in self.records:
            arrays, keys = self._encoded.store.read(record)
            taken.append(agent_actions(arrays["action"], space))
            rewards.append(arrays["reward"])
            ends.append(arrays["terminated"])
            self._keys.append(standardised(keys, self._units, record.length + 1))
        known = self.actions.space
        self._taken = np.concatenate([np.empty((0, *(known.shape or ())), known.dtype), *taken])
        self._rewards = _joined(rewards, np.float32)
        self._ends = _joined(ends, np.bool_)

    def __len__(self) -> int:
        return int(self._windows[-1])

    @property
    def size(self) -> int:
        """D, the numbers of a code."""
        return self.latents + sum(key.size for key in self._units)

    def read(self, indices: Numbers) -> SequenceBatch:
        """Return the windows at `indices` (B,)."""
        owners, starts = self.locate(indices)
        rows, valid = self._decisions(owners, starts)
        mean, deviation = self._codes(owners, starts)
        actions = self.actions.encode(self._taken[rows.ravel()]).reshape(*rows.shape, -1)
        return SequenceBatch(
            mean=torch.from_numpy(mean),
            deviation=torch.from_numpy(deviation),
            actions=torch.from_numpy(actions * valid[..., None]),
            rewards=torch.from_numpy(self._rewards[rows] * valid),
            terminated=torch.from_numpy(self._ends[rows] & valid),
            valid=torch.from_numpy(valid),
        )

    def locate(self, indices: Numbers) -> tuple[Numbers, Numbers]:
        """Return each window's episode, as an index into `records`, and its first decision: (B,)"""
        owners = np.searchsorted(self._windows, indices, side="right") - 1
        return owners, (indices - self._windows[owners]) * self.stride

    def events(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the reward and the end of each decision of all windows, in their order: (n,) each.

        A decision that two windows hold is there twice, as it is learned from twice.
        """
        every, rewards, ends = np.arange(len(self)), [], []
        for start in range(0, len(every), CHUNK):
            rows, valid = self._decisions(*self.locate(every[start : start + CHUNK]))
            rewards.append(self._rewards[rows[valid]])
            ends.append(self._ends[rows[valid]])
        return np.concatenate(rewards), np.concatenate(ends)

    def key_changes(self, number: int) -> NDArray[np.float32]:
        """Return how number `number` of the code, a key, changes by each target decision: (n,).

        Each decision is there once.
        """
        return _joined([np.diff(values) for values in self._shown(number)], np.float32)

    def key_values(self, number: int) -> NDArray[np.float32]:
        """Return number `number` of the code, a key, wherever it was shown: (n,)."""
        return _joined(self._shown(number), np.float32)

    def _shown(self, number: int) -> list[NDArray[np.float32]]:
        """Return a key of each episode, without what is shown after a termination."""
        column = number - self.latents
        stops = [record.length + (not record.terminated) for record in self.records]
        return [keys[:stop, column] for keys, stop in zip(self._keys, stops, strict=True)]

    def episode(self, index: int) -> EncodedEpisode:
        """Return the whole episode `records[index]`; its latents are copied only beside keys."""
        rows, keys = slice(self._rows[index], self._rows[index + 1]), self._keys[index]
        means, deviations = self._encoded.codes(self.records[index])
        return EncodedEpisode(
            record=self.records[index],
            codes=_beside(means, keys),
            deviation=_beside(deviations, np.zeros_like(keys)),
            actions=self.actions.encode(self._taken[rows]),
            rewards=self._rewards[rows],
        )

    @property
    def identity(self) -> dict[str, Any]:
        """Describe the windows by what they are cut from, and how."""
        return {
            "examples": len(self),
            "split": self._split,
            "window": self.window,
            "stride": self.stride,
            "encoder_sha256": self._encoded.encoder_sha256,
            "data_sha256": hash_episodes(self.records),
            "actions": self.actions.model_dump(mode="json"),
            "keys": [key.model_dump(mode="json", exclude={"bounds"}) for key in self._units],
        }

    def _decisions(self, owners: Numbers, starts: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
        """Return the row of each decision of the windows, and whether there is one: (B, W) each."""
        times = starts[:, None] + np.arange(self.window)
        valid = times < self._lengths[owners][:, None]
        return np.where(valid, self._rows[owners][:, None] + times, 0), valid

    def _codes(self, owners: Numbers, starts: Numbers) -> tuple[Codes, Codes]:
        """Return means and deviations of the windows: (B, W + 1, D) each."""
        mean, deviation = np.zeros((2, len(owners), self.window + 1, self.size), np.float32)
        for place, (owner, start) in enumerate(zip(owners.tolist(), starts.tolist(), strict=True)):
            means, deviations = self._encoded.codes(self.records[owner])
            rows = slice(start, start + self.window + 1)
            count = len(means[rows])
            mean[place, :count, : self.latents] = means[rows]
            deviation[place, :count, : self.latents] = deviations[rows]
            mean[place, :count, self.latents :] = self._keys[owner][rows]
        return mean, deviation

    def _check_rewards(self) -> None:
        """Raise ArtifactError if a reward is not a finite number in float32."""
        wrong = np.flatnonzero(~np.isfinite(self._rewards))
        if len(wrong):
            owner = np.searchsorted(self._rows, wrong[0], side="right") - 1
            raise ArtifactError(
                f"{self._encoded.store.folder}: episode {self.records[owner].name} has a reward "
                f"of {self._rewards[wrong[0]]}, which no dynamics can predict; mend the "
                "environment and collect into another folder"
            )


def hash_episodes(records: Iterable[Record]) -> str:
    """Return the hash of all frames and arrays of `records`, by which dynamics know their data."""
    hashes = [record.frames_sha256 + record.arrays_sha256 for record in records]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _beside(latents: Codes, keys: Codes) -> Codes:
    """Return latents (T + 1, Z) and keys (T + 1, X), joined; the same latents without keys."""
    return np.concatenate([latents, keys], axis=1) if keys.shape[1] else latents


def _starts(counts: Numbers) -> Numbers:
    """Return where parts of `counts` (E,) rows begin, and where the last one ends: (E + 1,)."""
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def _joined(parts: Sequence[NDArray[Any]], dtype: type) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype)
