"""Chooses the units of a refitted encoder's latents so that a policy's inputs change least.

Four choices were measured on Dots after a refit that let the latents grow threefold. The change of
the whitened latents, as root mean square on the agent's frames and on old ones, was 2.2 and 2.0
with the old units, 0.55 and 0.45 with those of all training frames, 0.57 and 0.40 with those of
the old frames, and 0.42 and 0.45 with these.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from worldvae.autoencoders.checkpoint import replace_card
from worldvae.autoencoders.encoder import Encoder
from worldvae.errors import ArtifactError
from worldvae.indices import evenly
from worldvae.rollouts import RolloutStore, StoredFrames

FRAMES_OF_UNITS = 2_000

QUIET = 0.2
"""The smallest deviation that an input counts as having had. Without this limit, a collapsed latent
that the refit revived would stay as small as it was.
"""


def frames_of_units(store: RolloutStore, stack: int) -> StoredFrames:
    """Return the inputs, of `stack` frames each, on which a refit keeps its latents' units.

    Raises ArtifactError if `store` has none, before anything is trained.
    """
    records = store.healthy()
    source = StoredFrames(store, "train", records, before=stack - 1)
    if not len(source):
        raise ArtifactError(
            f"{store.folder}: of {len(records)} whole episodes none is one to train on, where a "
            "refit keeps the units of its latents; collect more"
        )
    return source


def keep_units(before: Path, refitted: Path, source: StoredFrames) -> None:
    """Keep each latent's mean and deviation on the frames of `source` through a refit.

    The mean and the deviation are those with the encoder in `before`; the units that keep them are
    written to the card of the encoder in `refitted`.
    """
    old, new = Encoder.load(before), Encoder.load(refitted)
    frames = source.gather(evenly(len(source), FRAMES_OF_UNITS))
    seen, codes = old.whiten(old.encode(frames)), new.encode(frames)
    std = codes.std(0) / np.maximum(seen.std(0), QUIET)
    units = new.card.model_copy(update={"latent_std": tuple(std.tolist())})
    # Whitening divides by more than the deviation if that is tiny.
    shift = Encoder(new.model, units).unwhiten(seen.mean(0)) - np.asarray(units.latent_mean)
    units = units.model_copy(update={"latent_mean": tuple((codes.mean(0) - shift).tolist())})
    replace_card(refitted, units)
