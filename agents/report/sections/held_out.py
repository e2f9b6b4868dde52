"""The held-out moments that a report shows for every arm: frames, true state, earlier actions.

Shapes: K moments, T frames around each, S state variables.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.arms.build import set_up
from agents.arms.registry import ARMS
from agents.config.experiment import Experiment
from worldvae.autoencoders.encoder import Encoder
from worldvae.diagnostics.examination import states_at
from worldvae.envs.state import StateVariable
from worldvae.errors import ArtifactError
from worldvae.rollouts import Record, RolloutStore, StoredFrames

MOMENTS = 4


@dataclass(frozen=True)
class Moments:
    """K moments spread evenly over held-out episodes; every arm is shown the same ones."""

    frames: NDArray[np.uint8]
    """(K, T, H, W, C), the oldest first."""
    now: int
    """The index of the present frame among the T."""
    future_actions: NDArray[np.float32] | None
    """The later actions that a decoder of the future is conditioned on, (K, ahead, A)."""
    variables: tuple[StateVariable, ...]
    state: NDArray[np.float64]
    """(K, S), NaN where no state was recorded."""
    actions: tuple[NDArray[Any], ...]
    """The actions of each moment's episode up to that moment, (t, ...) each."""
    records: tuple[Record, ...]
    """The episode of each moment."""

    @property
    def present(self) -> NDArray[np.uint8]:
        """The present frames, (K, H, W, C)."""
        return self.frames[:, self.now]

    def last(self, count: int) -> NDArray[np.uint8]:
        """Return the newest `count` frames of each moment: (K, count, H, W, C)."""
        return self.frames[:, self.now + 1 - count : self.now + 1]

    def inputs(self, encoder: Encoder) -> NDArray[np.uint8]:
        """Return the frames that `encoder` reads: (K, H, W, stack C)."""
        return np.concatenate(list(self.last(encoder.stack).transpose(1, 0, 2, 3, 4)), axis=-1)

    def target(self, encoder: Encoder) -> NDArray[np.uint8]:
        """Return the frames that `encoder` was trained to reconstruct: (K, H, W, C)."""
        return self.frames[:, self.now + encoder.window.ahead]


def take(folder: Path, experiment: Experiment) -> Moments:
    """Return moments of the test episodes in the rollouts `folder`.

    ArtifactError if there are none.
    """
    store, model = RolloutStore(folder), experiment.pretrain.autoencoder
    depth = max(set_up(experiment, arm).stack for arm in ARMS)
    before, ahead = depth - 1, model.window.ahead
    source = StoredFrames(store, "test", None, before, ahead, model.pixels.actions)
    if not len(source):
        raise ArtifactError(f"{folder}: no test episode yet; collect more frames")
    chosen = np.linspace(0, len(source) - 1, MOMENTS + 2)[1:-1].astype(np.int64)
    records, times = source.locate(chosen)
    for record in records:
        store.check(source.records[record])
    frames = source.gather(chosen)
    episodes = [store.arrays(source.records[record]) for record in records]
    return Moments(
        frames.reshape(*frames.shape[:3], depth + ahead, -1).transpose(0, 3, 1, 2, 4),
        before,
        source.actions(chosen),
        store.state_variables,
        states_at(store, source, chosen),
        tuple(e["action"][:time] for e, time in zip(episodes, times, strict=True)),
        tuple(source.records[record] for record in records),
    )
