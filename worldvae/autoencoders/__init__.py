"""Autoencoders of frames: networks, objectives, artefacts and the frozen encoder of an agent."""

from worldvae.autoencoders.cards import summarise
from worldvae.autoencoders.checkpoint import (
    EncoderCard,
    FrameOrigin,
    hash_encoder,
    load_autoencoder,
    save_autoencoder,
)
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.model import Autoencoder, AutoencoderConfig
from worldvae.autoencoders.networks import LEAN, NetworkConfig
from worldvae.autoencoders.objectives import ObjectiveConfig
from worldvae.autoencoders.posterior import Posterior

__all__ = [
    "LEAN",
    "Autoencoder",
    "AutoencoderConfig",
    "Encoder",
    "EncoderCard",
    "FrameOrigin",
    "NetworkConfig",
    "ObjectiveConfig",
    "Posterior",
    "hash_encoder",
    "load_autoencoder",
    "save_autoencoder",
    "summarise",
]
