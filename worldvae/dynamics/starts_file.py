"""The file of a dynamics folder with the starts of dreams, so that the folder alone is a dream."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from worldvae.dynamics.config import Starts
from worldvae.dynamics.dynamics_files import DYNAMICS_REMEDY
from worldvae.dynamics.starts import EpisodeSource, StartBank
from worldvae.errors import ArtifactError, ConfigError
from worldvae.files import atomic_write_bytes, user_errors
from worldvae.rollouts.manifest import Split

STARTS_FILE = "starts.safetensors"
FIELDS = "codes", "actions", "burn_in", "places"


def save_starts(
    folder: Path, splits: Mapping[Split, EpisodeSource], burn_in: int, bank: int
) -> None:
    """Write the starts of each split into a folder of dynamics: `bank` of any, and `bank` first.

    Before each there are at most `burn_in` real decisions. A split without episodes has none.
    """
    tensors = {
        f"{split}.{starts}.{name}": getattr(StartBank.of(episodes, starts, burn_in, bank), name)
        for split, episodes in splits.items()
        if episodes.records
        for starts in get_args(Starts)
        for name in FIELDS
    }
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    most = str(burn_in)
    metadata = {"burn_in": most, "sha256": _digest(most, tensors)}
    atomic_write_bytes(folder / STARTS_FILE, safetensors.torch.save(tensors, metadata))


def load_starts(folder: Path, split: Split, starts: Starts, burn_in: int, bank: int) -> StartBank:
    """Return at most `bank` starts of a split, with at most `burn_in` real decisions before each.

    Raises ArtifactError if the file is missing or damaged, and ConfigError if the split has no
    starts or `burn_in` is more than was kept.
    """
    path = folder / STARTS_FILE
    tensors, most = _read(path)
    if burn_in > most:
        raise ConfigError(
            f"burn_in = {burn_in}: {path} keeps {most} real steps before a start; use at most as "
            "many, or give rollouts=FOLDER"
        )
    prefix = f"{split}.{starts}"
    if f"{prefix}.codes" not in tensors:
        found = ", ".join(sorted({name.partition(".")[0] for name in tensors})) or "none"
        raise ConfigError(
            f"{path}: no starts of the split {split}, only of {found}; collect more episodes"
        )
    stored = StartBank(*(tensors[f"{prefix}.{name}"] for name in FIELDS))
    return stored.shortened(burn_in, bank)


def _read(path: Path) -> tuple[dict[str, Tensor], int]:
    """Return the tensors of the file, and the most decisions before a start."""
    if not path.exists():
        raise ArtifactError(
            f"{path}: no such file, so there is no frame to dream on from; name the rollouts and "
            f"the encoder, or {DYNAMICS_REMEDY.format(folder=path.parent)}"
        )
    try:
        with user_errors(path), safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError:
        raise ArtifactError(
            f"{path}: damaged; {DYNAMICS_REMEDY.format(folder=path.parent)}"
        ) from None
    most = metadata.get("burn_in", "")
    if metadata.get("sha256") != _digest(most, tensors):
        raise ArtifactError(f"{path}: damaged; {DYNAMICS_REMEDY.format(folder=path.parent)}")
    return tensors, int(most)


def _digest(burn_in: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(burn_in.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
