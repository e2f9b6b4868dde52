"""Dynamics on disk, pickle-free: config.json, model.safetensors and card.json in one folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.dynamics.dynamics_files import (
    DYNAMICS_CARD,
    DYNAMICS_CONFIG,
    DYNAMICS_REMEDY,
    FORMAT,
    DynamicsCard,
    DynamicsCardFile,
    DynamicsFile,
)
from worldvae.dynamics.model import Dynamics
from worldvae.errors import ArtifactError
from worldvae.files import sha256_file, user_errors
from worldvae.folders import check_folder
from worldvae.hub.download import local_folder
from worldvae.training.device import torch_device
from worldvae.training.weights import WEIGHTS, load_weights, save_weights


def save_dynamics(folder: Path, model: Dynamics, card: DynamicsCard) -> None:
    """Write the three files; killed at any moment, the folder is whole or refused by `load`."""
    with user_errors(folder):
        (folder / DYNAMICS_CONFIG.name).unlink(missing_ok=True)
    digest = save_weights(folder, model)
    DYNAMICS_CARD.write(folder, DynamicsCardFile(**card.model_dump(), weights_sha256=digest))
    content = DynamicsFile(format=FORMAT, dynamics=model.config, weights_sha256=digest)
    DYNAMICS_CONFIG.write(folder, content)


def load_dynamics(folder: str | Path, device: str = "cpu") -> tuple[Dynamics, DynamicsCard]:
    """Return what `save_dynamics` wrote, frozen and ready to observe and imagine on `device`.

    `folder` may be an address on the hub: hf://USER/NAME. Raises ArtifactError if a file is
    missing, damaged or of other dynamics.
    """
    folder = local_folder(folder, "dynamics")
    card, config = read_dynamics_card(folder), DYNAMICS_CONFIG.read(folder)
    model = Dynamics(config.dynamics)
    load_weights(folder, model, config.weights_sha256, DYNAMICS_REMEDY)
    model.know(card.keys)
    return model.to(torch_device(device)).eval().requires_grad_(False), card


def read_dynamics_card(folder: Path) -> DynamicsCard:
    """Return the card in `folder`; ArtifactError if it belongs to other weights."""
    check_folder(folder, "dynamics")
    card, config = DYNAMICS_CARD.read(folder), DYNAMICS_CONFIG.read(folder)
    if card.weights_sha256 != config.weights_sha256:
        raise ArtifactError(
            f"{folder / DYNAMICS_CARD.name}: the card of other dynamics than those of config.json; "
            f"{DYNAMICS_REMEDY.format(folder=folder)}"
        )
    return DynamicsCard(**card.model_dump(exclude={"weights_sha256"}))


def hash_dynamics(folder: Path) -> str:
    """Return the SHA-256 of all that decides memory and dreams: weights, network and card."""
    card = read_dynamics_card(folder)
    means = card.model_dump_json(
        include={"actions", "keys", "encoder_sha256"}, exclude={"keys": {"__all__": {"bounds"}}}
    )
    config = DYNAMICS_CONFIG.read(folder).model_dump_json()
    parts = [sha256_file(folder / WEIGHTS), config, means]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def check_encoder(card: DynamicsCard, folder: Path, encoder: Path) -> None:
    """Raise ArtifactError unless the dynamics in `folder` were learnt on latents of `encoder`."""
    if hash_encoder(encoder) != card.encoder_sha256:
        raise ArtifactError(
            f"{encoder}: not the encoder whose latents the dynamics in {folder} were learnt on; "
            "give that one, or learn the dynamics again"
        )


def check_steps(card: DynamicsCard, folder: Path, steps: int, where: str) -> None:
    """Raise ArtifactError unless the dynamics in `folder` know decisions of as many steps."""
    if steps != card.action_repeat:
        raise ArtifactError(
            f"{folder}: its dynamics know decisions of {card.action_repeat} steps, {where} takes "
            f"{steps}; set env.action_repeat to {card.action_repeat}, or learn dynamics anew"
        )
