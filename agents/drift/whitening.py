"""The units of a refitted encoder's latents: those in which a policy's inputs change least.

Of four choices, measured on Dots after a refit that let the latents grow threefold, the change of
the whitened latents (root mean square, on the agent's frames and on old ones): the old units 2.2
and 2.0, units of all training frames 0.55 and 0.45, of the old frames 0.57 and 0.40, these 0.42 and
0.45.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from worldvae.autoencoders.checkpoint import replace_card
from worldvae.autoencoders.encoder import Encoder
from worldvae.indices import evenly
from worldvae.rollouts import RolloutStore, StoredFrames

FRAMES = 2_000

QUIET = 0.2
"""Least deviation that an input counts as having had: a collapsed latent that the refit woke would
else be kept as quiet as it was."""


def keep_units(before: Path, refitted: Path, store: RolloutStore) -> None:
    """Whiten the encoder in `refitted` so that on the training frames of `store` each latent keeps
    the mean and the deviation that it had with the encoder in `before`, in the card of the first.
    """
    old, new = Encoder.load(before), Encoder.load(refitted)
    source = StoredFrames(store, "train", before=new.stack - 1)
    frames = source.gather(evenly(len(source), FRAMES))
    seen, codes = old.whiten(old.encode(frames)), new.encode(frames)
    std = codes.std(0) / np.maximum(seen.std(0), QUIET)
    units = new.card.model_copy(update={"latent_std": tuple(std.tolist())})
    # What whitening divides by is not the deviation itself where that is tiny.
    shift = Encoder(new._model, units).unwhiten(seen.mean(0)) - np.asarray(units.latent_mean)
    units = units.model_copy(update={"latent_mean": tuple((codes.mean(0) - shift).tolist())})
    replace_card(refitted, units)
