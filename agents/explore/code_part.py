"""The part of the page on the code: the encoder, its latents, and held-out frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.explore.assets import Asset
from agents.explore.contents import CodeFacts, LatentFacts
from agents.explore.segments import HeldOutFrame, ShownEpisodes
from agents.explore.subjects import LatentSubject, find_subjects
from worldvae.autoencoders.checkpoint import load_autoencoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.errors import ConfigError


@dataclass(frozen=True)
class CodePart:
    """What the page knows of the encoder."""

    facts: CodeFacts
    assets: tuple[Asset, ...]


def code_part(encoder: Encoder, shown: ShownEpisodes, moments: list[HeldOutFrame]) -> CodePart:
    """Return the encoder's part of the page, with the inputs of `moments` to choose from."""
    inputs = np.concatenate([shown.inputs(moment, encoder.stack) for moment in moments])
    assets = (Asset.of("moments", inputs), *_networks(encoder))
    return CodePart(_facts(encoder, shown), assets)


def _networks(encoder: Encoder) -> tuple[Asset, Asset]:
    from worldvae.autoencoders.frozen import FrozenEncoder
    from worldvae.autoencoders.onnx_decoder import decoder_to_onnx
    from worldvae.autoencoders.onnx_graph import to_onnx

    if encoder.folder is None:
        raise ConfigError("an encoder without a folder cannot be shown; save it first")
    model, _ = load_autoencoder(encoder.folder)
    return (
        Asset.weights("encoder", to_onnx(FrozenEncoder(model), model.input_shape)),
        Asset.weights("decoder", decoder_to_onnx(model)),
    )


def _facts(encoder: Encoder, shown: ShownEpisodes) -> CodeFacts:
    card, found = encoder.card, find_subjects(encoder, shown)
    height, width, channels = card.frame.shape
    scales = encoder.whiten_deviation(np.ones(encoder.latents, np.float32))
    nothing = LatentSubject("", 0.0)
    latents = [
        LatentFacts(
            nats=card.kl[number],
            mean=card.latent_mean[number],
            std=card.latent_std[number],
            scale=float(1 / scales[number]),
            subject=found.latents.get(number, nothing).variable,
            r2=found.latents.get(number, nothing).r2,
        )
        for number in range(encoder.latents)
    ]
    return CodeFacts(
        height=height,
        width=width,
        channels=channels,
        stack=encoder.stack,
        ahead=encoder.window.ahead,
        has_prior=encoder.config.objective.is_variational,
        trained=card.trained,
        latents=tuple(latents),
        state_frames=found.frames,
    )
