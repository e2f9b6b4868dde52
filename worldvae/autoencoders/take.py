"""Takes a finished encoder as it is, so that one pretraining serves several tasks."""

from __future__ import annotations

from pathlib import Path

from worldvae.autoencoders.checkpoint import load_autoencoder
from worldvae.autoencoders.config import AutoencoderConfig, PretrainConfig
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.encoder_files import PRETRAINING, EncoderCard, PretrainingResult
from worldvae.autoencoders.model import Autoencoder
from worldvae.autoencoders.pretrain import save_pictures
from worldvae.autoencoders.sources import read_sources
from worldvae.envs.frames import FrameConfig
from worldvae.errors import ConfigError
from worldvae.fingerprint import flatten
from worldvae.hub.download import local_folder
from worldvae.locks import locked
from worldvae.rollouts import RolloutStore


def take(
    source: str | Path, store: RolloutStore, config: PretrainConfig, folder: Path, seed: int
) -> None:
    """Copy the encoder in `source`, a folder or an address on the hub, into `folder`.

    Weights and whitening stay, so both folders have the same hash. Pictures are drawn anew, of the
    held-out frames of `store`. Raises what `open_fitting` raises.
    """
    model, card = open_fitting(source, config, store.env.frame)
    origin, encoder = local_folder(source, "encoder"), Encoder(model, card)
    _, _, test, _ = read_sources([store], model.config.window, model.config.pixels.actions)
    made = PRETRAINING.read(origin) if PRETRAINING.exists(origin) else _unknown(model)
    with locked(folder, "pretraining", alone=True):
        encoder.save(folder)
        save_pictures(encoder, test, folder, seed)
        PRETRAINING.write(folder, made.model_copy(update={"taken_from": str(source)}))


def open_fitting(
    source: str | Path, config: PretrainConfig, frame: FrameConfig
) -> tuple[Autoencoder, EncoderCard]:
    """Return the encoder in `source` if frames of `frame` are what it was trained on.

    Raises ConfigError if `config` describes another network or objective than the encoder's, and
    ArtifactError if the encoder is missing or damaged, or was trained on frames that were made in
    another way.
    """
    model, card = load_autoencoder(local_folder(source, "encoder"))
    card.check_frame(frame, "env.frame")
    _check_same(model.config, config.autoencoder, source)
    return model, card


def _check_same(found: AutoencoderConfig, wanted: AutoencoderConfig, source: str | Path) -> None:
    """Raise ConfigError if the encoder's settings are not those that the configuration wants."""
    has, wants = (flatten(one.model_dump(mode="json")) for one in (found, wanted))
    for key in {**wants, **has}:
        if has.get(key) != wants.get(key):
            raise ConfigError(
                f"pretrain.{key.removeprefix('network.')}: {wants.get(key, 'not there')}, but the "
                f"encoder in {source} has {has.get(key, 'none')}; write its settings into "
                "pretrain, since controls are made with them"
            )


def _unknown(model: Autoencoder) -> PretrainingResult:
    """Return the result of a training of which only the encoder was published."""
    return PretrainingResult(
        seconds=0.0,
        cpu_seconds=None,
        peak_memory=None,
        steps=0,
        stopped="steps",
        best_step=0,
        metrics={},
        parameters=sum(weight.numel() for weight in model.parameters()),
    )
