"""A store of episodes on disk, which survives a kill, damaged files and a full disk.

rollouts/
  env.json           the EnvConfig of the environment, with a checksum
  manifest.jsonl     one line per finished episode; an episode without a line does not count
  000000.frames.npy  frames (T + 1, H, W, C) uint8
  000000.npz         action, reward, terminated, truncated and, if the environment shows it, state;
                     key_0, key_1, ... (T + 1, d) float32, the other keys of a Dict observation
  state.json         the variables in the columns of state, if it is recorded, with a checksum
  keys.json          names and sizes of key_0, key_1, ..., if there are any, with a checksum
  dataset.json       where the episodes come from, if they were imported, with a checksum
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldvae.envs.config import EnvConfig
from worldvae.errors import ArtifactError
from worldvae.locks import locked
from worldvae.machine import usable_cores
from worldvae.rollouts.description import ENV, StoreDescription
from worldvae.rollouts.episode import Episode
from worldvae.rollouts.episode_files import NOTE, EpisodeFiles, complete_unlisted
from worldvae.rollouts.keys import RecordedKey, is_member, member
from worldvae.rollouts.manifest import (
    MANIFEST,
    Record,
    next_number,
    read_manifest,
    split_of,
    warn_of,
    warn_of_unlisted,
)


class RolloutStore(StoreDescription):
    """A folder of episodes of one environment.

    `RolloutStore.create(folder, env)` makes it or opens it for more; `RolloutStore(folder)` reads
    it: the manifest, no file of an episode. Raises ArtifactError if it holds no env.json or a
    damaged one.
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__(folder)
        self.records = read_manifest(self.folder)
        self._next: int | None = None
        self._open = _opener()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open files out of a copy for another process, such as a loader of frames."""
        return {name: value for name, value in vars(self).items() if name != "_open"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open = _opener()

    @classmethod
    def create(cls, folder: str | Path, env: EnvConfig) -> RolloutStore:
        """Open `folder` for frames of `env`, or make it if it does not exist.

        Raises ArtifactError if it holds frames of another environment.
        """
        if not ENV.exists(Path(folder)):
            ENV.write(Path(folder), env)
        store = cls(folder)
        store.check_task(env)
        return store

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the store's lock, so that two collections do not write into one folder.

        Episodes that another process has added since this store was opened are in `records` from
        then on. A complete episode whose line is missing, since a kill came before it was written,
        is listed.
        """
        with locked(self.folder, "collection", alone=True):
            self.records[:] = read_manifest(self.folder)
            self._list_complete_episodes()
            self._next = next_number(self.folder, self.records)
            yield

    @property
    def next_number(self) -> int:
        """The number of the next episode: above those of all listed episodes and of all files."""
        if self._next is None:
            self._next = next_number(self.folder, self.records)
        return self._next

    def describe_keys(self, keys: tuple[RecordedKey, ...]) -> None:
        """Write which keys beside the frame episodes record, before the first one is stored.

        Raises ArtifactError if the store's episodes record other keys.
        """
        self._describe_keys(keys, is_empty=not self.records)

    def append(self, episode: Episode, seconds: float = 0.0, number: int | None = None) -> Record:
        """Write one episode and return its record; it counts once its line is in the manifest.

        `seconds` is the wall-clock time that its collection took, which is charged to the arms.
        `number` decides its split; None takes the next one. Raises ArtifactError if a later number
        is in use, so that files in the folder could be written over.
        """
        self._check_described(episode)
        number = self._free_number(number)
        record = Record(
            name=f"{number:06d}",
            length=len(episode.action),
            return_=float(episode.reward.sum()),
            seed=episode.seed,
            policy=episode.policy,
            split=split_of(number),
            terminated=bool(episode.terminated[-1]),
            cut=episode.cut,
            env=self.env.id,
            seconds=seconds,
            frames_sha256="",
            arrays_sha256="",
        )
        record = self._files(record).write(episode, record)
        self._next = number + 1
        return self._list(record)

    def _free_number(self, number: int | None) -> int:
        if number is not None and number < self.next_number:
            raise ArtifactError(
                f"{self.folder}: no place for episode {number}, since there are files of episode "
                f"{self.next_number - 1}; remove the folder and begin again"
            )
        return self.next_number if number is None else number

    def _list(self, record: Record) -> Record:
        MANIFEST.append(self.folder, record)
        self.records.append(record)
        return record

    def _list_complete_episodes(self) -> None:
        """List complete episodes with numbers above all listed ones, whose lines were lost."""
        times = [record.seconds for record in self.records]
        mean = sum(times) / max(len(times), 1)
        found = complete_unlisted(self.folder, self.records)
        for noted in found:
            self._list(noted.model_copy(update={"seconds": mean}))
        known = "the mean of the others" if times else "0, since none is known"
        warn_of(
            [noted.name for noted in found],
            f"{self.folder}: whole but not listed in {MANIFEST.name}, as a kill leaves an episode, "
            f"and listed now, the seconds of each taken for {known}",
        )

    def frames(self, record: Record) -> NDArray[np.uint8]:
        """Return the frames of an episode, memory-mapped: (T + 1, H, W, C) uint8.

        Only the pages that are used are read from disk. Raises ArtifactError if the file is damaged
        or missing.
        """
        path = self.frames_path(record)
        try:
            frames: NDArray[np.uint8] = self._open(path)
        except (OSError, ValueError):
            raise ArtifactError(f"{path}: damaged or missing; run again to leave it out") from None
        return frames

    def frames_path(self, record: Record) -> Path:
        """Return the path of the `.npy` file with the frames of `record`."""
        return self._files(record).frames

    def read(
        self, record: Record
    ) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[np.float32]]]:
        """Return what `arrays` and `keys` do, each of which reads and hashes the same file."""
        found = self._files(record).read(record.arrays_sha256)
        return _arrays(found), self._keys(found)

    def arrays(self, record: Record) -> dict[str, NDArray[Any]]:
        """Return the arrays action, reward, terminated, truncated and, if it was recorded, state.

        Raises ArtifactError if the file is missing or its hash is not that of the manifest.
        """
        return _arrays(self._files(record).read(record.arrays_sha256))

    def keys(self, record: Record) -> dict[str, NDArray[np.float32]]:
        """Return what an episode recorded beside the frames by key: (T + 1, d) float32 each.

        Empty if observations are no Dict. Raises ArtifactError as `arrays` does.
        """
        if not self.recorded_keys:
            return {}
        return self._keys(self._files(record).read(record.arrays_sha256))

    def _keys(self, found: dict[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        described = enumerate(self.recorded_keys)
        return {key.name: found[member(index)] for index, key in described}

    def healthy(self) -> list[Record]:
        """Return the records whose files have the hashes of the manifest: every byte is read.

        A warning names the other records, and another one the episodes that have files but no line
        in the manifest. Raises ArtifactError if an import of a dataset has not ended.
        """
        self._check_imported(len(self.records))
        # Hashing releases Python's lock, so that every core hashes files of its own.
        with ThreadPoolExecutor(usable_cores()) as pool:
            checked = list(zip(self.records, pool.map(self.is_whole, self.records), strict=True))
        broken = [record.name for record, whole in checked if not whole]
        warn_of(broken, f"{self.folder}: episodes whose files are damaged or missing, and left out")
        warn_of_unlisted(self.folder, self.records)
        return [record for record, whole in checked if whole]

    def check(self, record: Record) -> None:
        """Raise ArtifactError unless both files of `record` have the hashes of the manifest."""
        if not self.is_whole(record):
            path = self.frames_path(record)
            raise ArtifactError(f"{path}: damaged or missing; run again to leave it out")

    def is_whole(self, record: Record) -> bool:
        """Return whether both files of `record` have the hashes of the manifest."""
        return self._files(record).are_whole(record)

    @property
    def env_steps(self) -> int:
        """The number of environment steps in all episodes: decisions times the action repeat."""
        return self.env.action_repeat * sum(record.length for record in self.records)

    @property
    def num_frames(self) -> int:
        """The number of frames in all episodes, the first of each included."""
        return sum(record.length + 1 for record in self.records)

    def _files(self, record: Record) -> EpisodeFiles:
        return EpisodeFiles(self.folder, record.name)


def _opener() -> Callable[[Path], NDArray[np.uint8]]:
    """Return what maps files of frames: a process cannot hold ten thousand of them open."""
    return lru_cache(maxsize=256)(partial(np.load, mmap_mode="r", allow_pickle=False))


def _arrays(found: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name: found[name] for name in found if name != NOTE and not is_member(name)}
