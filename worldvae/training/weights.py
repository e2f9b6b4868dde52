"""Weights of a model on disk: model.safetensors, known by the hash that config.json keeps."""

from __future__ import annotations

import hashlib
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import nn

from worldvae.errors import ArtifactError
from worldvae.files import atomic_write_bytes, user_errors

WEIGHTS = "model.safetensors"


def save_weights(folder: Path, model: nn.Module) -> str:
    """Write the weights and buffers of `model` into `folder`; return the SHA-256 of the file."""
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    weights = safetensors.torch.save(tensors)
    atomic_write_bytes(folder / WEIGHTS, weights)
    return hashlib.sha256(weights).hexdigest()


def load_weights(folder: Path, model: nn.Module, sha256: str, remedy: str) -> None:
    """Give `model` the weights in `folder`.

    Raises ArtifactError with the remedy, in which "{folder}" stands for it, if they have another
    hash, or are of another network.
    """
    path, remedy = folder / WEIGHTS, remedy.format(folder=folder)
    with user_errors(path):
        weights = path.read_bytes()
    if hashlib.sha256(weights).hexdigest() != sha256:
        raise ArtifactError(f"{path}: damaged, or not the weights of config.json; {remedy}")
    try:
        model.load_state_dict(safetensors.torch.load(weights), strict=True)
    except (SafetensorError, RuntimeError):
        raise ArtifactError(
            f"{path}: not the weights of the network in config.json; {remedy}"
        ) from None
