"""An encoder on disk, pickle-free: config.json, model.safetensors and card.json in one folder.

Both JSON files are sealed and name the weights, so that no part of another encoder is taken for one
of this.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TypeVar

import safetensors.torch
from pydantic import Field, FiniteFloat, ValidationError
from safetensors import SafetensorError

from worldvae.autoencoders.config import AutoencoderConfig
from worldvae.autoencoders.model import Autoencoder
from worldvae.checksum import read_checked, write_checked
from worldvae.config import Config
from worldvae.envs.frames import FrameConfig
from worldvae.errors import ArtifactError
from worldvae.files import atomic_write_bytes, sha256_file, user_errors

FORMAT = 3
REMEDY = "copy the whole folder again, or pretrain the encoder again"


class FrameOrigin(Config):
    """Where the training frames came from and how they were made."""

    frame: FrameConfig = Field(description="How a source frame became a frame.")
    source_shape: tuple[int, ...] = Field(description="Shape of the environment's own frame.")
    env_id: str = Field(description="The environment.")
    data_sha256: str = Field(description="Hash of the training rollouts.")


class EncoderCard(FrameOrigin):
    """What an agent must know of its encoder; saved beside the weights."""

    trained: bool = Field(description="False: random weights, the control arm.")
    latent_mean: tuple[FiniteFloat, ...] = Field(description="Of each latent, training frames.")
    latent_std: tuple[FiniteFloat, ...] = Field(description="Of each latent, training frames.")
    kl: tuple[FiniteFloat, ...] = Field(description="Of each latent, held-out frames, in nats.")
    action_size: int = Field(0, description="Numbers in the actions that the decoder is told.")
    scores: dict[str, FiniteFloat] = Field(description="Means over held-out frames.")
    versions: dict[str, str] = Field(description="Software that made the encoder.")

    def check_frame(self, given: FrameConfig, giver: str) -> None:
        """Raise ArtifactError if `giver` does not make frames as those of training were made."""
        if given != self.frame:
            raise ArtifactError(
                f"the encoder was trained on frames of {self.frame}, {giver} gives {given}"
            )


class CardFile(EncoderCard):
    """The content of card.json."""

    weights_sha256: str = Field(description="Hash of the model.safetensors that it belongs to.")


class EncoderFile(Config):
    """The content of config.json, written last: with it the folder is whole."""

    format: int = Field(description="Version of the folder's layout.")
    autoencoder: AutoencoderConfig = Field(description="Network and objective.")
    weights_sha256: str = Field(description="Hash of model.safetensors.")


C = TypeVar("C", bound=Config)


def save_autoencoder(folder: Path, model: Autoencoder, card: EncoderCard) -> None:
    """Write the three files; killed at any moment, the folder is whole or refused by `load`."""
    with user_errors(folder):
        (folder / "config.json").unlink(missing_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    weights = safetensors.torch.save(tensors)
    digest = hashlib.sha256(weights).hexdigest()
    atomic_write_bytes(folder / "model.safetensors", weights)
    _write_card(folder, card, digest)
    config = EncoderFile(format=FORMAT, autoencoder=model.config, weights_sha256=digest)
    write_checked(folder / "config.json", config.model_dump(mode="json"))


def replace_card(folder: Path, card: EncoderCard) -> None:
    """Give the encoder in `folder` another card, in one step."""
    _write_card(folder, card, _read(folder / "config.json", EncoderFile).weights_sha256)


def load_autoencoder(folder: Path) -> tuple[Autoencoder, EncoderCard]:
    """What `save_autoencoder` wrote; ArtifactError if a file is missing or damaged."""
    config = _read(folder / "config.json", EncoderFile)
    card = read_card(folder, config.weights_sha256)
    size = card.action_size
    model = Autoencoder(config.autoencoder, card.frame.shape, seed=0, action_size=size)
    path = folder / "model.safetensors"
    with user_errors(path):
        weights = path.read_bytes()
    if hashlib.sha256(weights).hexdigest() != config.weights_sha256:
        raise ArtifactError(f"{path}: damaged, or not the weights of config.json; {REMEDY}")
    try:
        model.load_state_dict(safetensors.torch.load(weights), strict=True)
    except (SafetensorError, RuntimeError):
        raise ArtifactError(
            f"{path}: not the weights of the network in config.json; {REMEDY}"
        ) from None
    _check_lengths(folder, card, config.autoencoder.network.latents)
    return model, card


def hash_encoder(folder: Path) -> str:
    """SHA-256 of all that decides what an agent sees: weights, network, frame and whitening."""
    config = _read(folder / "config.json", EncoderFile)
    card = read_card(folder, config.weights_sha256)
    seen = card.model_dump_json(include={"frame", "latent_mean", "latent_std"})
    # As it was written: a field that came later has its default, and changes nothing.
    written = config.model_dump_json(exclude_unset=True)
    parts = [sha256_file(folder / "model.safetensors"), written, seen]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_card(folder: Path, weights_sha256: str) -> EncoderCard:
    """The card in `folder`; ArtifactError if it belongs to other weights than those."""
    path = folder / "card.json"
    card = _read(path, CardFile)
    if card.weights_sha256 != weights_sha256:
        raise ArtifactError(
            f"{path}: the card of another encoder than that of config.json; {REMEDY}"
        )
    return EncoderCard(**{name: getattr(card, name) for name in EncoderCard.model_fields})


def _write_card(folder: Path, card: EncoderCard, weights_sha256: str) -> None:
    file = CardFile(**dict(card), weights_sha256=weights_sha256)
    write_checked(folder / "card.json", file.model_dump(mode="json"))


def _read(path: Path, model: type[C]) -> C:
    if not path.exists():
        raise ArtifactError(f"{path}: no such file, so {path.parent} holds no finished encoder")
    values = read_checked(path, REMEDY)
    if values.get("format", FORMAT) != FORMAT:
        raise ArtifactError(
            f"{path}: format {values['format']}, not {FORMAT}, so another version of worldvae made "
            "it; use that one, or pretrain the encoder again"
        )
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ArtifactError(f"{path}: {where}: {first['msg']}; {REMEDY}") from None


def _check_lengths(folder: Path, card: EncoderCard, latents: int) -> None:
    for name in ("latent_mean", "latent_std", "kl"):
        if len(getattr(card, name)) != latents:
            raise ArtifactError(
                f"{folder / 'card.json'}: {name} has {len(getattr(card, name))} values, "
                f"the network has {latents} latents; {REMEDY}"
            )
