"""Exports a store of rollouts as a dataset of Minari, one episode at a time."""

from __future__ import annotations

import copy
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec

from worldvae.envs import make_env
from worldvae.errors import ArtifactError, ConfigError
from worldvae.files import user_errors
from worldvae.locks import locked
from worldvae.progress import ProgressBar
from worldvae.rollouts.episode import Episode
from worldvae.rollouts.manifest import Record, number_of
from worldvae.rollouts.minari.library import dataset_folder, minari_errors
from worldvae.rollouts.minari.notes import NOTE, DatasetNote, EpisodeNote, array_hashes
from worldvae.rollouts.store import RolloutStore


@dataclass(frozen=True)
class Credits:
    """What the metadata of a dataset say of its origin; what is None is left out."""

    author: str | None = None
    permalink: str | None = None
    """The address of the code, with its version, that made the dataset."""
    description: str | None = None


def export_dataset(store: RolloutStore, name: str, credits: Credits | None = None) -> Path:
    """Write the whole episodes of `store` as a dataset that Minari calls `name`; return its folder.

    Frames are stored as they are, never as JPEG, and no more than one episode is in memory. The
    dataset appears in one step: what a killed export leaves is hidden, and the next one begins
    anew. `import_dataset` makes the same store of it. Minari's `recover_environment` makes the
    environment as `make_env` does, if worldvae is installed.

    Raises ArtifactError if there is a dataset of that name or nothing to write, and ConfigError
    without Minari.
    """
    folder = dataset_folder(name)
    _check_absent(folder, name)
    records = store.healthy()
    if not records:
        raise ArtifactError(f"{store.folder}: no episodes to export")
    _check_names(store)
    with (
        _unfinished(folder, name) as unfinished,
        minari_errors(
            f"{unfinished} cannot be written",
            "make room, or set MINARI_DATASETS_PATH to a folder that has it",
            (OSError, RuntimeError),  # what h5py raises of a full disk; no room mends the others
        ),
    ):
        _write(store, records, name, unfinished, credits or Credits())
    return folder


def _write(
    store: RolloutStore, records: list[Record], name: str, folder: Path, credits: Credits
) -> None:
    """Write all files of the dataset into `folder`."""
    from minari.dataset.minari_storage import MinariStorage

    env, spec = store.env, _recoverable_spec(store)
    storage = MinariStorage.new(
        folder,
        observation_space=_observation_space(store),
        action_space=store.action_space,
        env_spec=spec,
        jpeg_encoding=False,
    )
    note = DatasetNote(
        env=env,
        source_shape=store.source_shape,
        state=store.state_variables,
        keys=store.recorded_keys,
    )
    storage.update_metadata(
        {
            "dataset_id": name,
            "minari_version": metadata.version("minari"),
            "algorithm_name": ", ".join(sorted({record.policy for record in records})),
            NOTE: note.model_dump(mode="json", by_alias=True),
            **_credited(credits, store, records),
        }
    )
    noted: list[dict[str, Any]] = []
    storage.update_episodes(_buffers(store, records, noted))
    storage.update_episode_metadata(noted)


def _buffers(
    store: RolloutStore, records: list[Record], noted: list[dict[str, Any]]
) -> Iterator[Any]:
    """Yield the episodes as Minari takes them, and add to `noted` what it keeps beside them."""
    from minari.data_collector import EpisodeBuffer
    from minari.data_collector.callbacks import EpisodeMetadataCallback

    returns = EpisodeMetadataCallback()
    with ProgressBar("export", len(records), "episodes") as bar:
        for index, record in enumerate(records):
            episode = _stored_episode(store, record)
            noted.append({**returns({"rewards": episode.reward}), NOTE: _note_of(episode, record)})
            image_key = store.env.image_key
            yield EpisodeBuffer(
                id=index,
                observations=(
                    episode.obs if image_key is None else {image_key: episode.obs, **episode.keys}
                ),
                actions=episode.action,
                rewards=episode.reward,
                terminations=episode.terminated,
                truncations=episode.truncated,
                infos={} if episode.state is None else {"state": episode.state},
            )
            bar.reach(index + 1)


def _stored_episode(store: RolloutStore, record: Record) -> Episode:
    """Return an episode of the store.

    Its frames are read, not mapped, since pages that were mapped for earlier ones would stay.
    """
    arrays, keys = store.read(record)
    return Episode(
        obs=np.load(store.frames_path(record), allow_pickle=False),
        seed=record.seed,
        policy=record.policy,
        cut=record.cut,
        keys=keys,
        **arrays,
    )


def _note_of(episode: Episode, record: Record) -> str:
    note = EpisodeNote(
        number=number_of(record.name),
        seed=record.seed,
        policy=record.policy,
        cut=record.cut,
        seconds=record.seconds,
        sha256=array_hashes(episode),
    )
    return note.model_dump_json()


def _observation_space(store: RolloutStore) -> spaces.Space[Any]:
    frame, key = spaces.Box(0, 255, store.env.frame.shape, np.uint8), store.env.image_key
    if key is None:
        return frame
    others = {one.name: one.bounds.space(one.size) for one in store.recorded_keys}
    return spaces.Dict({key: frame, **others})


def _recoverable_spec(store: RolloutStore) -> EnvSpec | None:
    """Return what Minari makes the environment of; None, with a warning, if there is no such."""
    try:
        env = make_env(store.env)
        env.close()
        spec = _as_text(env.spec)
        spec.to_json()
    except (ConfigError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        warnings.warn(f"Minari cannot recover the environment: {reason}", stacklevel=3)
        return None
    return spec


def _as_text(spec: EnvSpec | None) -> EnvSpec:
    """Return a copy of `spec` that names what makes the environment, which a file can hold."""
    assert spec is not None
    copied = copy.deepcopy(spec)
    for attribute in ("entry_point", "vector_entry_point"):
        maker = getattr(copied, attribute)
        if isinstance(maker, type):
            setattr(copied, attribute, f"{maker.__module__}:{maker.__qualname__}")
    return copied


def _credited(credits: Credits, store: RolloutStore, records: list[Record]) -> dict[str, Any]:
    """Return the metadata on the origin of the dataset."""
    frames = sum(record.length + 1 for record in records)
    described = (
        f"{len(records)} episodes of {store.env.id}, {frames} frames ({store.env.frame}), "
        f"written by worldvae {metadata.version('worldvae')}"
    )
    author = {} if credits.author is None else {"author": {credits.author}}
    link = {} if credits.permalink is None else {"code_permalink": credits.permalink}
    return {"description": credits.description or described, **author, **link}


def _check_names(store: RolloutStore) -> None:
    """Raise ArtifactError for a key that HDF5 cannot name a group by."""
    for name in (store.env.image_key or "image", *(key.name for key in store.recorded_keys)):
        if "/" in name or name.strip(".") == "":
            raise ArtifactError(f"{store.folder}: HDF5 has no place for the key {name!r}")


def _check_absent(folder: Path, name: str) -> None:
    if (folder / "data").exists():
        raise ArtifactError(
            f"minari:{name} exists already, in {folder}; choose another id, such as the next "
            "version"
        )


@contextmanager
def _unfinished(folder: Path, name: str) -> Iterator[Path]:
    """Yield a hidden folder that becomes the data of the dataset if the block succeeds.

    It is emptied first, of what a killed export has left.
    """
    from minari.namespace import create_namespace, list_local_namespaces

    namespace = name.rpartition("/")[0]
    hidden = folder.with_name(f".{folder.name}.tmp")
    with locked(hidden, f"export to minari:{name}"):
        _check_absent(folder, name)
        shutil.rmtree(hidden / "data", ignore_errors=True)
        if namespace and namespace not in list_local_namespaces():
            create_namespace(namespace)
        try:
            yield hidden / "data"
            with user_errors(folder):
                _sync(hidden / "data")
                folder.mkdir(parents=True, exist_ok=True)
                os.rename(hidden / "data", folder / "data")
        finally:
            shutil.rmtree(hidden, ignore_errors=True)


def _sync(folder: Path) -> None:
    """Wait until the files in `folder` are on the disk."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
