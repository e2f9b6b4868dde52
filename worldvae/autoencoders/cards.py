"""Makes the card of an encoder: statistics of its latents and its errors on held-out frames."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldvae.autoencoders.encoder_files import EncoderCard, FrameOrigin
from worldvae.autoencoders.examples import FrameSource, frame_batches
from worldvae.autoencoders.model import Autoencoder
from worldvae.autoencoders.pixels import to_float
from worldvae.training.batches import check_not_empty
from worldvae.versions import library_versions

BATCH = 256

MOST_CARD_FRAMES = 20_000


def summarise(
    model: Autoencoder,
    train: FrameSource,
    validation: FrameSource,
    origin: FrameOrigin,
    trained: bool,
) -> EncoderCard:
    """Return the card of `model`.

    The statistics are over at most `MOST_CARD_FRAMES` frames of each split, spread evenly.
    """
    check_not_empty(train, "train")
    check_not_empty(validation, "validation")
    model.eval()
    codes = _codes(model, train)
    kl, mse = _held_out(model, validation)
    return EncoderCard(
        **dict(origin),
        trained=trained,
        latent_mean=tuple(codes.mean(0).tolist()),
        latent_std=tuple(codes.std(0).tolist()),
        kl=tuple(kl.tolist()),
        action_size=model.action_size,
        scores={
            "rate": float(kl.sum()),
            "mse": mse,
            "psnr": -10 * float(np.log10(max(mse, 1e-10))),
        },
        versions=library_versions(),
    )


@torch.inference_mode()
def _codes(model: Autoencoder, source: FrameSource) -> NDArray[np.float64]:
    """Return the posterior mean of each frame: (B, Z)."""
    device = next(model.parameters()).device
    window = model.config.window
    batches = frame_batches(source, BATCH, MOST_CARD_FRAMES)
    inputs = (window.inputs(batch.frames) for batch in batches)
    codes = torch.cat([model.encode(frames.to(device)).mean for frames in inputs])
    return codes.double().cpu().numpy()


@torch.inference_mode()
def _held_out(model: Autoencoder, source: FrameSource) -> tuple[Tensor, float]:
    """Return the mean KL of each latent in nats (Z,), and the mean squared error of a pixel.

    The error is that of decoded posterior means, with pixels in [0, 1].
    """
    device = next(model.parameters()).device
    kl, squared, count = torch.zeros(()), 0.0, 0
    window = model.config.window
    for batch in (batch.to(device) for batch in frame_batches(source, BATCH, MOST_CARD_FRAMES)):
        posterior = model.encode(window.inputs(batch.frames))
        kl = kl + posterior.kl().double().sum(0).cpu()
        target = to_float(window.target(batch.frames))
        error = model.decode(posterior.mean, batch.actions) - target
        squared += float(error.square().mean()) * len(batch)
        count += len(batch)
    return kl / count, squared / count
