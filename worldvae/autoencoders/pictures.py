"""Figures of what an encoder keeps of its frames."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from worldvae.autoencoders.encoder import Encoder
from worldvae.plots.frames import reconstruction_figure, sample_figure, traversal_figure

SAMPLES = 32
DEVIATIONS = np.linspace(-3, 3, 9, dtype=np.float32)
"""How far a traversal moves a latent, in deviations of that latent over the training frames."""


def pictures(
    encoder: Encoder,
    held_out: NDArray[np.uint8],
    seed: int,
    actions: NDArray[np.float32] | None = None,
) -> dict[str, Figure]:
    """Draw reconstructions, samples of the prior, and traversals of one frame: name -> figure.

    `held_out` are windows (B, H, W, T C), whose inputs are encoded and whose targets are shown
    beside what is decoded; `actions` (B, K, A) are for a decoder that is told them.
    """
    inputs, targets = encoder.window.inputs(held_out), encoder.window.target(held_out)
    # An episode's first frame is often unlike all others, and one near the mean shows nothing.
    norms = np.linalg.norm(encoder.whiten(encoder.encode(inputs)), axis=1)
    ordinary = np.argsort(norms)[len(norms) // 2]
    moved = encoder.traverse(inputs[ordinary], DEVIATIONS)
    variational = encoder.config.objective.is_variational
    size = encoder.card.kl if variational else encoder.card.latent_std
    unit = "nats" if variational else "sd"
    return {
        "reconstructions": reconstruction_figure(targets, encoder.reconstruct(inputs, actions)),
        "samples": sample_figure(encoder.sample(SAMPLES, seed)),
        "traversals": traversal_figure(moved, np.asarray(size), DEVIATIONS, unit),
    }
