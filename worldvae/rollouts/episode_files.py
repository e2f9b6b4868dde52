"""The two files of an episode in a store: its frames, and everything else."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldvae.errors import ArtifactError
from worldvae.files import atomic_file, atomic_write_parts, sha256_file, user_errors, write_parts
from worldvae.rollouts.episode import Episode
from worldvae.rollouts.keys import member
from worldvae.rollouts.manifest import ARRAYS_ENDING, FRAMES_ENDING, Record, number_of, unlisted

PART = 2**18
"""How many bytes of frames are hashed and written at once; they fit into a processor's cache."""

NOTE = "record"
"""The key in the .npz of the episode's line of the manifest.

The hash of the .npz itself and the time that collection took are left out, so that the same seed
writes the same bytes.
"""


@dataclass(frozen=True)
class EpisodeFiles:
    """The files of the episode with this name in a store's folder, whether they exist or not."""

    folder: Path
    name: str

    @property
    def frames(self) -> Path:
        """The path of the `.npy` file with the frames."""
        return self.folder / f"{self.name}{FRAMES_ENDING}"

    @property
    def arrays(self) -> Path:
        """The path of the `.npz` file with all other arrays."""
        return self.folder / f"{self.name}{ARRAYS_ENDING}"

    def write(self, episode: Episode, record: Record) -> Record:
        """Write both files, and return `record` with their hashes.

        The time in `record` is not written, so that the same seed writes the same bytes.
        """
        with atomic_file(self.frames) as file:
            frames_sha256 = write_parts(file, npy_parts(episode.obs))
            noted = record.model_copy(update={"frames_sha256": frames_sha256, "seconds": 0.0})
            # Written before the frames get their name: frames on disk mean a complete episode.
            npz = _npz_bytes({**episode.arrays, **_members(episode), NOTE: _note(noted)})
            arrays_sha256 = atomic_write_parts(self.arrays, [npz])
        update = {"seconds": record.seconds, "arrays_sha256": arrays_sha256}
        return noted.model_copy(update=update)

    def read(self, sha256: str) -> dict[str, NDArray[Any]]:
        """Return all arrays of the `.npz` file.

        Raises ArtifactError if the file is missing or its hash is not `sha256`.
        """
        with user_errors(self.arrays):
            data = self.arrays.read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ArtifactError(f"{self.arrays}: damaged; run again to leave its episode out")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return dict(arrays)

    def noted(self) -> Record | None:
        """Return the record that the files hold, with the hash of both; None if one is damaged."""
        try:
            with np.load(self.arrays, allow_pickle=False) as arrays:
                noted = Record.model_validate_json({**arrays}[NOTE].tobytes())
        except Exception:  # noqa: BLE001  # numpy and zipfile raise whatever damaged bytes provoke
            return None
        if noted.name != self.name or sha256_file(self.frames) != noted.frames_sha256:
            return None
        return noted.model_copy(update={"arrays_sha256": sha256_file(self.arrays)})

    def are_whole(self, record: Record) -> bool:
        """Return whether both files exist and have the hashes of `record`."""
        if not self.frames.exists() or not self.arrays.exists():
            return False
        is_whole = sha256_file(self.frames) == record.frames_sha256
        return is_whole and sha256_file(self.arrays) == record.arrays_sha256


def complete_unlisted(folder: Path, records: Sequence[Record]) -> list[Record]:
    """Return the undamaged episodes in `folder` with numbers above all of `records`, by number.

    The arrays of an episode that a kill left without frames are removed.
    """
    last = max((number_of(record.name) for record in records), default=-1)
    later = [name for name in unlisted(folder, records) if number_of(name) > last]
    found = []
    for files in (EpisodeFiles(folder, name) for name in later):
        if not files.frames.exists():
            files.arrays.unlink()
        elif (noted := files.noted()) is not None:
            found.append(noted)
    return found


def npy_parts(array: NDArray[Any]) -> Iterator[bytes | memoryview]:
    """Yield the bytes that `np.save` writes for `array`, without another copy of it."""
    array = np.ascontiguousarray(array)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    yield header.getvalue()
    data = array.data.cast("B")
    for start in range(0, len(data), PART):
        yield data[start : start + PART]


def _members(episode: Episode) -> dict[str, NDArray[np.float32]]:
    return {member(index): values for index, values in enumerate(episode.keys.values())}


def _note(record: Record) -> NDArray[np.uint8]:
    return np.frombuffer(record.model_dump_json().encode(), np.uint8)


def _npz_bytes(arrays: dict[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
