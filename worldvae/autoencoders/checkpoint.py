"""An encoder on disk, pickle-free: config.json, model.safetensors and card.json in one folder.

Both JSON files have checksums and name the weights, so that no part of another encoder is taken for
one of this.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from worldvae.autoencoders.encoder_files import (
    CARD,
    CONFIG,
    ENCODER_REMEDY,
    FORMAT,
    CardFile,
    EncoderCard,
    EncoderFile,
)
from worldvae.autoencoders.model import Autoencoder
from worldvae.errors import ArtifactError
from worldvae.files import sha256_file, user_errors
from worldvae.folders import check_folder
from worldvae.training.weights import WEIGHTS, load_weights, save_weights


def save_autoencoder(folder: Path, model: Autoencoder, card: EncoderCard) -> None:
    """Write the three files; killed at any moment, the folder is whole or refused by `load`."""
    with user_errors(folder):
        (folder / "config.json").unlink(missing_ok=True)
    digest = save_weights(folder, model)
    _write_card(folder, card, digest)
    content = EncoderFile(format=FORMAT, autoencoder=model.config, weights_sha256=digest)
    CONFIG.write(folder, content)


def replace_card(folder: Path, card: EncoderCard) -> None:
    """Give the encoder in `folder` another card, in one step."""
    _write_card(folder, card, CONFIG.read(folder).weights_sha256)


def load_autoencoder(folder: Path) -> tuple[Autoencoder, EncoderCard]:
    """Return what `save_autoencoder` wrote; ArtifactError if a file is missing or damaged."""
    check_folder(folder, "encoder")
    config = CONFIG.read(folder)
    card = read_card(folder, config.weights_sha256)
    size = card.action_size
    model = Autoencoder(config.autoencoder, card.frame.shape, seed=0, action_size=size)
    load_weights(folder, model, config.weights_sha256, ENCODER_REMEDY)
    _check_lengths(folder, card, config.autoencoder.network.latents)
    return model, card


def hash_encoder(folder: Path) -> str:
    """Return the SHA-256 of all that decides what an agent sees.

    These are weights, network, frame and whitening.
    """
    check_folder(folder, "encoder")
    config = CONFIG.read(folder)
    card = read_card(folder, config.weights_sha256)
    # Published hashes are older than pooling, and say nothing of frames that are not pooled.
    untold = {} if card.frame.max_pool else {"frame": {"max_pool"}}
    seen = card.model_dump_json(include={"frame", "latent_mean", "latent_std"}, exclude=untold)
    parts = [sha256_file(folder / WEIGHTS), config.model_dump_json(), seen]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_card(folder: Path, weights_sha256: str) -> EncoderCard:
    """Return the card in `folder`; ArtifactError if it belongs to other weights than those."""
    card = CARD.read(folder)
    if card.weights_sha256 != weights_sha256:
        raise ArtifactError(
            f"{folder / CARD.name}: the card of another encoder than that of config.json; "
            f"{ENCODER_REMEDY.format(folder=folder)}"
        )
    return EncoderCard(**card.model_dump(exclude={"weights_sha256"}))


def _write_card(folder: Path, card: EncoderCard, weights_sha256: str) -> None:
    CARD.write(folder, CardFile(**dict(card), weights_sha256=weights_sha256))


def _check_lengths(folder: Path, card: EncoderCard, latents: int) -> None:
    for name in ("latent_mean", "latent_std", "kl"):
        if len(getattr(card, name)) != latents:
            raise ArtifactError(
                f"{folder / 'card.json'}: {name} has {len(getattr(card, name))} values, "
                f"the network has {latents} latents; {ENCODER_REMEDY.format(folder=folder)}"
            )
