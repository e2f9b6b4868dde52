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

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldvae.config import Config
from worldvae.envs import recorded_action_space, source_shape
from worldvae.envs.actions import ActionSpace, check_space
from worldvae.envs.config import EnvConfig
from worldvae.envs.state import StateVariable, first_difference
from worldvae.errors import ArtifactError
from worldvae.files import (
    atomic_file,
    atomic_write_parts,
    locked,
    sha256_file,
    user_errors,
    write_parts,
)
from worldvae.json_files import JsonFile
from worldvae.rollouts.episode import Episode
from worldvae.rollouts.imported import DATASET, ImportedDataset
from worldvae.rollouts.keys import RecordedKey, RecordedKeys, is_member, member
from worldvae.rollouts.manifest import (
    ARRAYS,
    FRAMES,
    MANIFEST,
    Record,
    next_number,
    number_of,
    read_manifest,
    split_of,
    unlisted,
    warn,
)

PART = 2**18
"""How many bytes of frames are hashed and written at once; they fit into a processor's cache."""

NOTE = "record"
"""The key in the .npz of the episode's line of the manifest.

The hash of the .npz itself and the time that collection took are left out, so that the same seed
writes the same bytes.
"""

REMEDY = "restore it, or collect into another folder"


class StateColumns(Config):
    """The content of state.json: what each column of the recorded state is."""

    variables: tuple[StateVariable, ...]


ENV = JsonFile("env.json", EnvConfig, REMEDY)
STATE = JsonFile("state.json", StateColumns, REMEDY)
KEYS = JsonFile("keys.json", RecordedKeys, REMEDY)


class RolloutStore:
    """A folder of episodes of one environment.

    `RolloutStore.create(folder, env)` makes it or opens it for more; `RolloutStore(folder)` reads
    it. Raises ArtifactError if it holds no env.json or a damaged one.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = folder = Path(folder)
        if not ENV.exists(folder):
            raise ArtifactError(
                f"{folder}: no env.json, so no rollouts; "
                "make them with python -m scripts.collect CONFIG"
            )
        self.env = ENV.read(folder)
        self.records = read_manifest(folder)
        self._next: int | None = None
        # A process cannot hold the files of ten thousand episodes open.
        self._open = lru_cache(maxsize=256)(partial(np.load, mmap_mode="r", allow_pickle=False))

    @classmethod
    def create(cls, folder: str | Path, env: EnvConfig) -> RolloutStore:
        """Open `folder` for frames of `env`, or make it if it does not exist.

        Raises ArtifactError if it holds frames of another environment.
        """
        if not ENV.exists(Path(folder)):
            ENV.write(Path(folder), env)
        store = cls(folder)
        if difference := store.env.other_task(env):
            raise ArtifactError(
                f"{folder} holds frames of another environment than this config's: "
                f"{difference}; remove the folder or choose another name"
            )
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

    def describe_state(self, variables: tuple[StateVariable, ...]) -> None:
        """Write what the columns of `state` mean, before the first state is stored.

        Raises ArtifactError if the store already describes other columns.
        """
        path, described = self.folder / STATE.name, self.state_variables
        if variables and not described:
            STATE.write(self.folder, StateColumns(variables=variables))
        elif difference := first_difference(described, variables):
            raise ArtifactError(
                f"{path}: the state reader of {self.env.id} has changed since: {difference}; "
                "put it back, or collect into another folder"
            )

    def describe_keys(self, keys: tuple[RecordedKey, ...]) -> None:
        """Write which keys beside the frame episodes record, before the first one is stored.

        Raises ArtifactError if the store's episodes record other keys.
        """
        described = self.recorded_keys
        if [str(key) for key in keys] == [str(key) for key in described]:
            return
        if described or self.records:
            raise ArtifactError(
                f"{self.folder}: its episodes hold the keys {_listed(described)} beside the frame, "
                f"{self.env.id} now observes {_listed(keys)}; put it back, or collect into another "
                "folder"
            )
        KEYS.write(self.folder, RecordedKeys(keys=keys))

    def append(self, episode: Episode, seconds: float = 0.0, number: int | None = None) -> Record:
        """Write one episode and return its record; it counts once its line is in the manifest.

        `seconds` is the wall-clock time that its collection took, which is charged to the arms.
        `number` decides its split; None takes the next one. Raises ArtifactError if a later number
        is in use, so that files in the folder could be written over.
        """
        self._check_state(episode)
        self._check_keys(episode)
        number = self._free_number(number)
        name = f"{number:06d}"
        with atomic_file(self._frames_path(name)) as file:
            noted = Record(
                name=name,
                length=len(episode.action),
                return_=float(episode.reward.sum()),
                seed=episode.seed,
                policy=episode.policy,
                split=split_of(number),
                terminated=bool(episode.terminated[-1]),
                cut=episode.cut,
                env=self.env.id,
                seconds=0.0,
                frames_sha256=write_parts(file, npy_parts(episode.obs)),
                arrays_sha256="",
            )
            # Written before the frames get their name: frames on disk mean a complete episode.
            npz = _npz_bytes({**episode.arrays, **_members(episode), NOTE: _note(noted)})
            arrays_sha256 = atomic_write_parts(self._arrays_path(name), [npz])
        self._next = number + 1
        return self._list(noted, seconds, arrays_sha256)

    def _free_number(self, number: int | None) -> int:
        if number is not None and number < self.next_number:
            raise ArtifactError(
                f"{self.folder}: no place for episode {number}, since there are files of episode "
                f"{self.next_number - 1}; remove the folder and begin again"
            )
        return self.next_number if number is None else number

    def _list(self, noted: Record, seconds: float, arrays_sha256: str) -> Record:
        update = {"seconds": seconds, "arrays_sha256": arrays_sha256}
        record = noted.model_copy(update=update)
        MANIFEST.append(self.folder, record)
        self.records.append(record)
        return record

    def _list_complete_episodes(self) -> None:
        """List complete episodes with numbers above all listed ones, whose lines were lost.

        The arrays of an episode that a kill left without frames are removed.
        """
        last = max((number_of(record.name) for record in self.records), default=-1)
        for name in unlisted(self.folder, self.records):
            if number_of(name) <= last:
                continue
            if not self._frames_path(name).exists():
                self._arrays_path(name).unlink()
            elif (noted := self._noted(name)) is not None:
                times = [record.seconds for record in self.records]
                mean = sum(times) / max(len(times), 1)
                self._list(noted, mean, sha256_file(self._arrays_path(name)))
                warn(
                    f"{self.folder}: episode {name} was whole and not listed, as a kill leaves it; "
                    "it is listed now, its time taken for the mean of the others"
                )

    def _noted(self, name: str) -> Record | None:
        """Return the record in the files of an episode; None if they are damaged."""
        try:
            with np.load(self._arrays_path(name), allow_pickle=False) as arrays:
                noted = Record.model_validate_json({**arrays}[NOTE].tobytes())
        except Exception:  # noqa: BLE001  # numpy and zipfile raise whatever damaged bytes provoke
            return None
        is_whole = sha256_file(self._frames_path(name)) == noted.frames_sha256
        return noted if noted.name == name and is_whole else None

    def frames(self, record: Record) -> NDArray[np.uint8]:
        """Return the frames of an episode, memory-mapped: (T + 1, H, W, C) uint8.

        Only the pages that are used are read from disk. Raises ArtifactError if the file is damaged
        or missing.
        """
        path = self._frames_path(record.name)
        try:
            frames: NDArray[np.uint8] = self._open(path)
        except (OSError, ValueError):
            raise ArtifactError(f"{path}: damaged or missing; run again to leave it out") from None
        return frames

    def frames_path(self, record: Record) -> Path:
        """Return the path of the `.npy` file with the frames of `record`."""
        return self._frames_path(record.name)

    def arrays(self, record: Record) -> dict[str, NDArray[Any]]:
        """Return the arrays action, reward, terminated, truncated and, if it was recorded, state.

        Raises ArtifactError if the file is missing or its hash is not that of the manifest.
        """
        arrays = self._npz(record)
        return {name: arrays[name] for name in arrays if name != NOTE and not is_member(name)}

    def keys(self, record: Record) -> dict[str, NDArray[np.float32]]:
        """Return what an episode recorded beside the frames by key: (T + 1, d) float32 each.

        Empty if observations are no Dict. Raises ArtifactError as `arrays` does.
        """
        described = self.recorded_keys
        if not described:
            return {}
        arrays = self._npz(record)
        return {key.name: arrays[member(index)] for index, key in enumerate(described)}

    def _npz(self, record: Record) -> dict[str, NDArray[Any]]:
        path = self._arrays_path(record.name)
        with user_errors(path):
            data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != record.arrays_sha256:
            raise ArtifactError(f"{path}: damaged; run again to leave its episode out")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return dict(arrays)

    @property
    def state_variables(self) -> tuple[StateVariable, ...]:
        """The variables in the columns of `arrays(record)["state"]`; empty if none was recorded.

        An episode that was played on a backend without a state has no such array even if this is
        not empty.
        """
        return STATE.read(self.folder).variables if STATE.exists(self.folder) else ()

    @property
    def recorded_keys(self) -> tuple[RecordedKey, ...]:
        """The keys of a Dict observation that each episode holds beside its frames."""
        return KEYS.read(self.folder).keys if KEYS.exists(self.folder) else ()

    @property
    def dataset(self) -> ImportedDataset | None:
        """The dataset that the episodes were imported from; None if they were collected."""
        return DATASET.read(self.folder) if DATASET.exists(self.folder) else None

    @property
    def action_space(self) -> ActionSpace:
        """The environment's own action space, in which episodes record actions.

        Raises ConfigError if it is that of an environment that cannot be made.
        """
        dataset = self.dataset
        space = recorded_action_space(self.env) if dataset is None else dataset.actions.space
        return check_space(space)

    @property
    def source_shape(self) -> tuple[int, ...]:
        """The shape of the environment's own frame, before any preprocessing."""
        dataset = self.dataset
        return source_shape(self.env) if dataset is None else dataset.source_shape

    def healthy(self) -> list[Record]:
        """Return the records whose files have the hashes of the manifest.

        A warning names each of the other records, and another one the episodes that have files but
        no line in the manifest. Raises ArtifactError if an import of a dataset has not ended.
        """
        dataset = self.dataset
        if dataset is not None and not dataset.whole:
            raise ArtifactError(
                f"{self.folder}: {len(self.records)} of the {dataset.episodes} episodes of "
                f"minari:{dataset.id}; python -m scripts.collect CONFIG --from minari:{dataset.id} "
                "goes on"
            )
        damaged = [record for record in self.records if not self.is_whole(record)]
        for record in damaged:
            path = self._frames_path(record.name)
            warn(f"{path}: damaged or missing, its episode is left out")
        if others := unlisted(self.folder, self.records):
            few = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
            warn(
                f"{self.folder}: not listed in {MANIFEST.name}, and left out: {few}; what is there "
                f"of such episodes ({len(others)}) is not written over"
            )
        names = {record.name for record in damaged}
        return [record for record in self.records if record.name not in names]

    def check(self, record: Record) -> None:
        """Raise ArtifactError unless both files of `record` have the hashes of the manifest."""
        if not self.is_whole(record):
            path = self._frames_path(record.name)
            raise ArtifactError(f"{path}: damaged or missing; run again to leave it out")

    @property
    def env_steps(self) -> int:
        """The number of environment steps in all episodes: decisions times the action repeat."""
        return self.env.action_repeat * sum(record.length for record in self.records)

    @property
    def num_frames(self) -> int:
        """The number of frames in all episodes, the first of each included."""
        return sum(record.length + 1 for record in self.records)

    def _check_state(self, episode: Episode) -> None:
        columns = len(self.state_variables)
        if episode.state is not None and episode.state.shape[1:] != (columns,):
            raise ValueError(
                f"state {episode.state.shape} has not the {columns} columns of describe_state"
            )

    def _check_keys(self, episode: Episode) -> None:
        held = [(name, values.shape[1]) for name, values in episode.keys.items()]
        if held != [(key.name, key.size) for key in self.recorded_keys]:
            raise ValueError(f"keys {held} are not those of describe_keys")

    def is_whole(self, record: Record) -> bool:
        """Return whether both files of `record` have the hashes of the manifest."""
        frames, arrays = self._frames_path(record.name), self._arrays_path(record.name)
        if not frames.exists() or not arrays.exists():
            return False
        is_whole = sha256_file(frames) == record.frames_sha256
        return is_whole and sha256_file(arrays) == record.arrays_sha256

    @property
    def _manifest(self) -> Path:
        return self.folder / MANIFEST.name

    def _frames_path(self, name: str) -> Path:
        return self.folder / f"{name}{FRAMES}"

    def _arrays_path(self, name: str) -> Path:
        return self.folder / f"{name}{ARRAYS}"


def _members(episode: Episode) -> dict[str, NDArray[np.float32]]:
    return {member(index): values for index, values in enumerate(episode.keys.values())}


def _listed(keys: tuple[RecordedKey, ...]) -> str:
    return ", ".join(map(str, keys)) or "none"


def _note(record: Record) -> NDArray[np.uint8]:
    return np.frombuffer(record.model_dump_json().encode(), np.uint8)


def npy_parts(array: NDArray[Any]) -> Iterator[bytes | memoryview]:
    """Yield the bytes that `np.save` writes for `array`, without another copy of it."""
    array = np.ascontiguousarray(array)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    yield header.getvalue()
    data = array.data.cast("B")
    for start in range(0, len(data), PART):
        yield data[start : start + PART]


def _npz_bytes(arrays: dict[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
