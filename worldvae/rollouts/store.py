"""Episodes on disk: memory-mapped uint8 frames that survive SIGKILL, damage and a full disk.

rollouts/
  env.json           what the frames are of: its EnvConfig
  manifest.jsonl     one line per finished episode; what it does not list does not exist
  000000.frames.npy  (T + 1, H, W, C) uint8
  000000.npz         action, reward, terminated, truncated, and state where there is one
  state.json         what the columns of state are, once one was recorded
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from worldvae.config import Config, UserError
from worldvae.envs.config import EnvConfig
from worldvae.envs.state import StateVariable, first_difference
from worldvae.files import (
    append_jsonl,
    atomic_write_bytes,
    atomic_write_parts,
    atomic_write_text,
    locked,
    read_jsonl,
    sha256_file,
)
from worldvae.rollouts.episode import Episode
from worldvae.seeding import numpy_stream

Split = Literal["train", "validation", "test"]

PART = 2**18
"""Bytes of frames hashed and written at once: they fit into a processor's cache."""

_VARIABLES = TypeAdapter(tuple[StateVariable, ...])


class Record(Config):
    """One line of the manifest.

    An episode that was not terminated was truncated: by the collector where it was `cut`, else by
    the environment.
    """

    name: str
    length: int
    return_: float
    seed: int
    policy: str
    split: Split
    terminated: bool
    cut: bool
    env: str
    seconds: float
    frames_sha256: str
    arrays_sha256: str


class RolloutStore:
    """A folder of episodes of one environment; `create` makes it, `RolloutStore(folder)` reads."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = folder = Path(folder)
        try:
            self.env = EnvConfig.model_validate_json((folder / "env.json").read_bytes())
        except (OSError, ValueError) as error:
            raise UserError(
                f"{folder}: no readable env.json ({type(error).__name__}), so no rollouts; "
                "make them with python -m scripts.collect CONFIG"
            ) from None
        self.records = _read_manifest(self._manifest)
        # Ten thousand episodes are more files than a process may hold open.
        self._open = lru_cache(maxsize=256)(partial(np.load, mmap_mode="r", allow_pickle=False))

    @classmethod
    def create(cls, folder: str | Path, env: EnvConfig) -> RolloutStore:
        """Open `folder` for frames of `env`, making it if it is new.

        Raises UserError if it holds frames of another environment.
        """
        card = Path(folder) / "env.json"
        if not card.exists():
            atomic_write_text(card, env.model_dump_json(by_alias=True, indent=1))
        store = cls(folder)
        if difference := store.env.other_task(env):
            raise UserError(
                f"{folder} holds frames of another environment than this config's: "
                f"{difference}; remove the folder or choose another name"
            )
        return store

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the store's lock: two collections into one folder would overwrite each other.

        What another one has added since this store was opened is in `records` from then on.
        """
        with locked(self.folder, "collection", alone=True):
            self.records[:] = _read_manifest(self._manifest)
            yield

    def describe_state(self, variables: tuple[StateVariable, ...]) -> None:
        """Fix what the columns of `state` mean, before the first of them is stored.

        Raises UserError if the columns that are there already mean something else.
        """
        path, known = self.folder / "state.json", self.state_variables
        if variables and not known:
            atomic_write_bytes(path, _VARIABLES.dump_json(variables, indent=1))
        elif difference := first_difference(known, variables):
            raise UserError(
                f"{path}: the state reader of {self.env.id} has changed since: {difference}; "
                "put it back, or collect into another folder"
            )

    def append(self, episode: Episode, seconds: float = 0.0) -> Record:
        """Write one episode; it exists from the moment its line is in the manifest.

        `seconds` is the wall-clock time that collecting it took, for the ledger.
        """
        self._check_state(episode)
        index = len(self.records)
        name = f"{index:06d}"
        frames, arrays = self._frames_path(name), self._arrays_path(name)
        frames_sha256 = atomic_write_parts(frames, npy_parts(episode.obs))
        arrays_sha256 = atomic_write_parts(arrays, [_npz_bytes(episode.arrays)])
        record = Record(
            name=name,
            length=len(episode.action),
            return_=float(episode.reward.sum()),
            seed=episode.seed,
            policy=episode.policy,
            split=split_of(index),
            terminated=bool(episode.terminated[-1]),
            cut=episode.cut,
            env=self.env.id,
            seconds=seconds,
            frames_sha256=frames_sha256,
            arrays_sha256=arrays_sha256,
        )
        append_jsonl(self._manifest, record.model_dump(mode="json"))
        self.records.append(record)
        return record

    def frames(self, record: Record) -> NDArray[np.uint8]:
        """(T + 1, H, W, C) uint8, memory-mapped: only the pages that are looked at are read."""
        frames: NDArray[np.uint8] = self._open(self._frames_path(record.name))
        return frames

    def frames_path(self, record: Record) -> Path:
        """The file that ends with the frames of `record`, one after the other."""
        return self._frames_path(record.name)

    def arrays(self, record: Record) -> dict[str, NDArray[Any]]:
        """action, reward, terminated, truncated and, where there is one, state."""
        with np.load(self._arrays_path(record.name), allow_pickle=False) as arrays:
            return dict(arrays)

    @property
    def state_variables(self) -> tuple[StateVariable, ...]:
        """The columns of `arrays(record)["state"]`; none where no state was ever shown.

        Single episodes may lack a state all the same: those of a backend that hides it.
        """
        path = self.folder / "state.json"
        if not path.exists():
            return ()
        try:
            return _VARIABLES.validate_json(path.read_bytes())
        except (OSError, ValueError):
            raise UserError(
                f"{path} is damaged; restore it, or collect into another folder"
            ) from None

    def healthy(self) -> list[Record]:
        """The records whose files still have their hash; a warning names each of the others."""
        damaged = [record for record in self.records if not self._is_healthy(record)]
        for record in damaged:
            path = self._frames_path(record.name)
            warnings.warn(f"{path}: damaged or missing, its episode is left out", stacklevel=2)
        names = {record.name for record in damaged}
        return [record for record in self.records if record.name not in names]

    @property
    def env_steps(self) -> int:
        """Environment steps behind the episodes: decisions times the action repeat."""
        return self.env.action_repeat * sum(record.length for record in self.records)

    @property
    def num_frames(self) -> int:
        """Frames of all episodes, the first of each included."""
        return sum(record.length + 1 for record in self.records)

    def _check_state(self, episode: Episode) -> None:
        known = len(self.state_variables)
        if episode.state is not None and episode.state.shape[1:] != (known,):
            raise ValueError(
                f"state {episode.state.shape} has not the {known} columns of describe_state"
            )

    def _is_healthy(self, record: Record) -> bool:
        frames, arrays = self._frames_path(record.name), self._arrays_path(record.name)
        if not frames.exists() or not arrays.exists():
            return False
        is_whole = sha256_file(frames) == record.frames_sha256
        return is_whole and sha256_file(arrays) == record.arrays_sha256

    @property
    def _manifest(self) -> Path:
        return self.folder / "manifest.jsonl"

    def _frames_path(self, name: str) -> Path:
        return self.folder / f"{name}.frames.npy"

    def _arrays_path(self, name: str) -> Path:
        return self.folder / f"{name}.npz"


def split_of(index: int) -> Split:
    """Of every ten episodes in a row one, drawn at random, validates and another tests."""
    block, position = divmod(index, 10)
    order = numpy_stream(0, "split", block).permutation(10)
    special: dict[int, Split] = {int(order[0]): "validation", int(order[1]): "test"}
    return special.get(position, "train")


def _read_manifest(path: Path) -> list[Record]:
    try:
        return [Record(**line) for line in read_jsonl(path)]
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        raise UserError(
            f"{path}: a line has no valid {field}; restore the file or remove that line"
        ) from None


def npy_parts(array: NDArray[Any]) -> Iterator[bytes | memoryview]:
    """What `np.save` writes of `array`, without another copy of it."""
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
