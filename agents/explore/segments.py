"""Pieces of recorded episodes, as the encoder and the dynamics read them.

Shapes: n decisions of a segment, H W C image, Z latents, X keys beside the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.codes import stacked
from worldvae.dynamics.dynamics_files import KeyUnits
from worldvae.dynamics.key_units import standardised
from worldvae.dynamics.starts import spread_starts
from worldvae.errors import ArtifactError
from worldvae.rollouts import Record, RolloutStore

Floats = NDArray[np.float32]
Inputs = NDArray[np.uint8]

SPLITS = "test", "validation", "train"
"""Episodes of the first split that has any are shown."""


@dataclass(frozen=True)
class HeldOutFrame:
    """A frame of an episode, by its number."""

    record: Record
    frame: int


@dataclass(frozen=True)
class ShownEpisodes:
    """The whole episodes of one split of a store."""

    store: RolloutStore
    split: str
    records: tuple[Record, ...]

    @classmethod
    def of(cls, store: RolloutStore) -> ShownEpisodes:
        """Return the test episodes, or those of another split if there are none.

        Raises ArtifactError without any whole episode.
        """
        whole = store.healthy()
        for split in SPLITS:
            if records := tuple(record for record in whole if record.split == split):
                return cls(store, split, records)
        raise ArtifactError(f"{store.folder}: no whole episode; collect again")

    def moments(self, limit: int) -> list[HeldOutFrame]:
        """Return at most `limit` frames, spread evenly over all from which a dream may begin."""
        places = spread_starts(self.records, limit, "any").tolist()
        return [HeldOutFrame(self.records[owner], frame) for owner, frame in places]

    def inputs(self, moment: HeldOutFrame, stack: int, before: int = 0) -> Inputs:
        """Return the encoder's inputs of a frame and of those before it: (n, H, W, stack C).

        There are `before` + 1 of them, fewer at the beginning of an episode.
        """
        first = max(0, moment.frame - before)
        return stacked(self.store.frames(moment.record), first, moment.frame + 1, stack)

    def keys(self, moment: HeldOutFrame, units: Sequence[KeyUnits], before: int = 0) -> Floats:
        """Return the standardised keys beside the frames of `inputs`: (n, X)."""
        record, first = moment.record, max(0, moment.frame - before)
        every = standardised(self.store.keys(record), units, record.length + 1)
        return every[first : moment.frame + 1]


def codes_of(encoder: Encoder, inputs: Inputs, keys: Floats) -> Floats:
    """Return whitened latents and keys, joined as dynamics read them: (n, Z + X)."""
    latents = encoder.whiten(encoder.encode(inputs))
    return np.concatenate([latents, keys], axis=1).astype(np.float32)
