"""The codes of all frames of a store, encoded once and kept beside the dynamics.

codes/
  codes.jsonl  one line per shard: its hash, the encoder's, and whose frames it holds, in order
  00000.npy    (F, 2, Z) float32: whitened posterior mean and deviation of each of F frames

A shard holds all frames of some episodes, which are known by the hash of their frames. A killed
encoding goes on after its last shard, and a store that has grown is encoded from where it has.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from worldvae.autoencoders.encoder import BATCH, Encoder
from worldvae.errors import ArtifactError
from worldvae.files import atomic_write_parts, sha256_file, user_errors
from worldvae.json_files import Content, JsonLog
from worldvae.locks import locked
from worldvae.progress import ProgressBar
from worldvae.rollouts import Record, RolloutStore
from worldvae.rollouts.episode_files import npy_parts
from worldvae.rollouts.manifest import Split, warn

Codes = NDArray[np.float32]

CODES_FOLDER = "codes"
"""The folder of the codes in that of the dynamics."""

SHARD = 8_192
"""A shard ends with the episode that brings it to so many frames."""


class CodesShard(Content):
    """A line of codes.jsonl: one file of codes."""

    name: str = Field(description="The file.")
    sha256: str = Field(description="Hash of the file.")
    encoder_sha256: str = Field(description="Hash of the encoder.")
    episodes: tuple[tuple[str, int], ...] = Field(
        description="Of each episode the hash of its frames, and their number."
    )


CODES = JsonLog("codes.jsonl", CodesShard, "remove {folder}, and the frames are encoded again")


@dataclass(frozen=True)
class CodesPlace:
    """Where the codes of an episode are: rows of a shard."""

    path: Path
    start: int
    stop: int


class EncodedRollouts:
    """The whole episodes of a store, and the codes of their frames, read when they are asked for.

    `encode_rollouts` makes it.
    """

    def __init__(
        self,
        store: RolloutStore,
        records: Sequence[Record],
        encoder_sha256: str,
        latents: int,
        places: Mapping[str, CodesPlace],
    ) -> None:
        self.store, self.records = store, records
        self.encoder_sha256, self.latents = encoder_sha256, latents
        self._places = places
        # A process cannot hold the files of a hundred million frames open.
        self._open = lru_cache(maxsize=256)(_mapped)

    def codes(self, record: Record) -> tuple[Codes, Codes]:
        """Return whitened mean and deviation of the frames of an episode: (T + 1, Z) each.

        Both are memory-mapped, so that only what is used is read.
        """
        place = self._places[record.frames_sha256]
        with user_errors(place.path):
            rows = self._open(place.path)[place.start : place.stop]
        return rows[:, 0], rows[:, 1]

    def held_out(self) -> EncodedRollouts:
        """Return the same episodes, in turn for validation and for testing, none for training.

        So episodes are read that no model was trained on, whatever their store would use them for.
        """
        turns: Iterator[Split] = itertools.cycle(("validation", "test"))
        records = [
            record.model_copy(update={"split": split})
            for record, split in zip(self.records, turns, strict=False)
        ]
        return EncodedRollouts(self.store, records, self.encoder_sha256, self.latents, self._places)


def encode_rollouts(
    store: RolloutStore, encoder: Encoder, encoder_sha256: str, folder: Path
) -> EncodedRollouts:
    """Encode the frames of all whole episodes of `store` into `folder`, each of them once.

    An encoder that reads several frames at once gets those that it gets in play: before the start
    of an episode, its first frame. Damaged codes and those of another encoder are made again, with
    a warning.

    Args:
        store: The rollouts; damaged episodes are left out.
        encoder: The encoder.
        encoder_sha256: Its hash, as `hash_encoder` returns it.
        folder: The folder of the codes; it is theirs alone.

    Raises ArtifactError if the store's frames are not made as the encoder's card says, if another
    process encodes into `folder`, or if codes are not finite.
    """
    encoder.card.check_frame(store.env.frame, f"{store.folder}")
    records = store.healthy()
    with locked(folder, "encoding", alone=True):
        places = _places(folder, _whole_shards(folder, encoder_sha256))
        missing = {record.frames_sha256: record for record in records}
        missing = {key: record for key, record in missing.items() if key not in places}
        shards = _encode(store, encoder, encoder_sha256, folder, [*missing.values()])
        places |= _places(folder, shards)
    return EncodedRollouts(store, records, encoder_sha256, encoder.latents, places)


def _mapped(path: Path) -> Codes:
    """Return the codes in `path`, memory-mapped; parts of a plain array are taken sooner."""
    codes: Codes = np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    return codes


def _whole_shards(folder: Path, encoder_sha256: str) -> list[CodesShard]:
    """Return the shards of this encoder that are whole; the other files of codes are removed."""
    try:
        listed = CODES.read(folder)
    except ArtifactError as error:
        warn(str(error.args[0]).replace(f"remove {folder}, and the", "the"))
        listed = []
        with user_errors(folder):
            (folder / CODES.name).unlink(missing_ok=True)
    own = [shard for shard in listed if shard.encoder_sha256 == encoder_sha256]
    if len(own) < len(listed):
        warn(f"{folder}: holds codes of another encoder; the frames are encoded again")
    whole = [shard for shard in own if _is_whole(folder / shard.name, shard)]
    if len(whole) < len(listed):
        CODES.write(folder, whole)
    names = {shard.name for shard in whole}
    with user_errors(folder):
        for path in _shard_files(folder):
            if path.name not in names:
                path.unlink()
    return whole


def _is_whole(path: Path, shard: CodesShard) -> bool:
    is_whole = path.exists() and sha256_file(path) == shard.sha256
    if not is_whole:
        warn(f"{path}: damaged or missing; its frames are encoded again")
    return is_whole


def _places(folder: Path, shards: Sequence[CodesShard]) -> dict[str, CodesPlace]:
    """Return where the codes of each episode are, by the hash of its frames."""
    places = {}
    for shard in shards:
        ends = np.cumsum([rows for _, rows in shard.episodes]).tolist()
        for (key, rows), end in zip(shard.episodes, ends, strict=True):
            places[key] = CodesPlace(folder / shard.name, end - rows, end)
    return places


def _encode(
    store: RolloutStore,
    encoder: Encoder,
    encoder_sha256: str,
    folder: Path,
    records: Sequence[Record],
) -> list[CodesShard]:
    """Write the codes of `records`, shard by shard; each counts once its line is written."""
    if not records:
        return []
    numbers = itertools.count(_next_number(folder))
    written = []
    total = sum(record.length + 1 for record in records)
    with ProgressBar("encode", total, "frames") as bar:
        done = 0
        for chosen in _in_shards(records):
            codes = _codes(store, encoder, chosen, bar, done)
            done += len(codes)
            name = f"{next(numbers):05d}.npy"
            shard = CodesShard(
                name=name,
                sha256=atomic_write_parts(folder / name, npy_parts(codes)),
                encoder_sha256=encoder_sha256,
                episodes=tuple((one.frames_sha256, one.length + 1) for one in chosen),
            )
            CODES.append(folder, shard)
            written.append(shard)
    return written


def _codes(
    store: RolloutStore,
    encoder: Encoder,
    records: Sequence[Record],
    bar: ProgressBar,
    before: int,
) -> Codes:
    """Return whitened means and deviations of all frames of `records`: (F, 2, Z).

    `bar` shows them, after `before` others.
    """
    total = sum(record.length + 1 for record in records)
    codes, done = np.empty((total, 2, encoder.latents), np.float32), 0
    for inputs in _batches(store, records, encoder.stack):
        means, deviations = encoder.posterior(inputs)
        part = codes[done : done + len(inputs)]
        part[:, 0], part[:, 1] = encoder.whiten(means), encoder.whiten_deviation(deviations)
        done += len(inputs)
        bar.reach(before + done)
    if not np.isfinite(codes).all():
        raise ArtifactError(
            f"{store.folder}: the codes of episodes {records[0].name} to {records[-1].name} are "
            "not all finite numbers; remove the encoder and pretrain again"
        )
    return codes


def _next_number(folder: Path) -> int:
    return max((int(path.stem) + 1 for path in _shard_files(folder)), default=0)


def _shard_files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.npy") if path.stem.isdecimal()]


def _in_shards(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Yield `records` in groups, each of at least SHARD frames but the last."""
    chosen, frames = list[Record](), 0
    for record in records:
        chosen.append(record)
        frames += record.length + 1
        if frames >= SHARD:
            yield chosen
            chosen, frames = [], 0
    if chosen:
        yield chosen


def _batches(
    store: RolloutStore, records: Sequence[Record], stack: int
) -> Iterator[NDArray[np.uint8]]:
    """Yield the encoder's inputs (B, H, W, stack C) of all frames of `records`, in order.

    Each batch but the last holds BATCH inputs, also of several episodes.
    """
    waiting, count = list[NDArray[np.uint8]](), 0
    for record in records:
        frames, start = store.frames(record), 0
        while start < len(frames):
            stop = min(len(frames), start + BATCH - count)
            waiting.append(stacked(frames, start, stop, stack))
            count, start = count + stop - start, stop
            if count == BATCH:
                yield np.concatenate(waiting)
                waiting, count = [], 0
    if count:
        yield np.concatenate(waiting)


def stacked(frames: NDArray[np.uint8], start: int, stop: int, stack: int) -> NDArray[np.uint8]:
    """Return the last `stack` frames at each time from `start` to `stop`, the oldest first.

    Before the first frame (H, W, C) of `frames` it is repeated. Returns (B, H, W, stack C).
    """
    times = np.arange(start, stop)[:, None] + np.arange(1 - stack, 1)
    chosen = frames[np.maximum(times, 0)]
    count, _, height, width, _ = chosen.shape
    joined: NDArray[np.uint8] = chosen.transpose(0, 2, 3, 1, 4).reshape(count, height, width, -1)
    return joined
