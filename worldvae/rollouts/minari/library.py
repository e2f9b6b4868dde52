"""Minari itself, its folder of datasets, and its errors as one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from worldvae.errors import ArtifactError, ConfigError, WorldvaeError
from worldvae.extras import import_extra


def check_installed() -> None:
    """Raise ConfigError if Minari or its storage in HDF5 cannot be imported."""
    for package in ("minari", "h5py"):
        import_extra("a dataset", package)


def dataset_folder(name: str) -> Path:
    """Return the folder of the dataset with the id `name`, in Minari's folder of datasets.

    Raises ConfigError if `name` cannot be an id.
    """
    check_installed()
    from minari.dataset.minari_dataset import parse_dataset_id
    from minari.storage import get_dataset_path

    try:
        parse_dataset_id(name)
    except (ValueError, TypeError):  # a TypeError if the version is missing
        raise ConfigError(
            f"minari:{name}: an id reads name-v0 or folder/name-v0, of letters, digits, _ and -"
        ) from None
    return Path(get_dataset_path(name))


@contextmanager
def minari_errors(
    what: str, remedy: str, kinds: tuple[type[Exception], ...] = (Exception,)
) -> Iterator[None]:
    """Turn errors of `kinds` in the block into an ArtifactError: "{what}: {error}; {remedy}".

    By default any error: h5py and Minari raise whatever damaged bytes provoke.
    """
    try:
        yield
    except WorldvaeError:
        raise
    except kinds as error:
        kind = "" if isinstance(error, OSError | ValueError) else f"{type(error).__name__} "
        raise ArtifactError(f"{what}: {kind}{_first_line(error)}; {remedy}") from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
