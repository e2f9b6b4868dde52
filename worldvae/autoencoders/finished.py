"""What becomes of a folder whose encoder is finished: it stays, if it is what was asked for."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from worldvae.autoencoders.checkpoint import read_card
from worldvae.autoencoders.config import AutoencoderConfig, PretrainConfig
from worldvae.autoencoders.encoder_files import CONFIG, PRETRAINING
from worldvae.autoencoders.sources import hash_frames
from worldvae.fingerprint import MADE_WITH, Fingerprint
from worldvae.rollouts import RolloutStore


def is_done(folder: Path) -> bool:
    """Return whether `folder` holds a finished encoder.

    Raises ArtifactError if the file that says so is damaged.
    """
    if not PRETRAINING.exists(folder):
        return False
    PRETRAINING.read(folder)
    return True


def warn_of_other_frames(folder: Path, store: RolloutStore) -> None:
    """Warn if the finished encoder in `folder` was not trained on all that `store` holds now.

    Nothing is said of one that was taken, which has no `made_with.yaml`.
    """
    if not (folder / MADE_WITH).exists():
        return
    card = read_card(folder, CONFIG.read(folder).weights_sha256)
    if card.data_sha256 != hash_frames(store.records):
        warnings.warn(
            f"{folder}: this encoder was not trained on all {len(store.records)} episodes that "
            f"{store.folder} holds now; it is taken as it is, a new one needs another folder",
            stacklevel=4,
        )


def check_finished(
    folder: Path, section: str, config: PretrainConfig, made_with: Mapping[str, Any]
) -> None:
    """Raise ArtifactError if the finished encoder in `folder` is not one of `config`.

    It stays when more frames are collected. One that was taken has no `made_with.yaml`: then the
    model alone is compared, whose settings stand in `section` of that file.
    """
    found = CONFIG.read(folder)
    data = {"data_sha256": read_card(folder, found.weights_sha256).data_sha256}
    Fingerprint({**made_with, **data}).check_file(folder / MADE_WITH)
    wanted = Fingerprint({section: model_settings(config.autoencoder)})
    wanted.check(Fingerprint({section: model_settings(found.autoencoder)}), folder)


def model_settings(model: AutoencoderConfig) -> dict[str, Any]:
    """Return what decides a model, by the keys that it has in a `PretrainConfig`."""
    values = model.model_dump(mode="json", by_alias=True)
    return {**values.pop("network"), **values}
