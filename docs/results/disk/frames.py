"""Measure lossless codecs on the frames of a folder of rollouts: python frames.py ROLLOUTS...

It needs numpy, zstandard, blosc2, av and opencv-python-headless in an environment of their own.
A codec writes one file an episode, in blocks of one or more frames; a table in memory says where
each block begins. Times are CPU time of one thread: of writing an episode, of reading all of its
frames in order, and of reading single frames at random, for which their block has to be read.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import blosc2
import cv2
import numpy as np
import zstandard
from numpy.typing import NDArray

Frames = NDArray[np.uint8]
EPISODES, READS, ROUNDS = 8, 1_000, 3


@dataclass(frozen=True)
class Codec:
    """`encode` makes bytes of a block of `size` frames, `decode` frames (B, H, W, C) of bytes."""

    name: str
    size: int
    encode: Callable[[Frames], bytes]
    decode: Callable[[bytes, tuple[int, ...]], Frames]

    def write(self, path: Path, frames: Frames) -> list[int]:
        """Write an episode; return where each block begins, and where the last one ends."""
        starts = [0]
        with path.open("wb") as file:
            for first in range(0, len(frames), self.size):
                block = self.encode(frames[first : first + self.size])
                starts.append(starts[-1] + file.write(block))
        return starts

    def read(self, path: Path, starts: Sequence[int], block: int, shape: tuple[int, ...]) -> Frames:
        """Read one block of frames (H, W, C) = `shape`."""
        file = os.open(path, os.O_RDONLY)
        try:
            data = os.pread(file, starts[block + 1] - starts[block], starts[block])
        finally:
            os.close(file)
        return self.decode(data, shape)


def raw() -> Codec:
    def decode(data: bytes, shape: tuple[int, ...]) -> Frames:
        return np.frombuffer(data, np.uint8).reshape(-1, *shape)

    return Codec("raw, as now", 1, lambda frames: frames.tobytes(), decode)


def zstd(level: int, size: int, differences: bool = False) -> Codec:
    write, read = zstandard.ZstdCompressor(level=level), zstandard.ZstdDecompressor()

    def encode(frames: Frames) -> bytes:
        if differences:
            frames = np.concatenate([frames[:1], np.diff(frames, axis=0)])
        return write.compress(frames.tobytes())

    def decode(data: bytes, shape: tuple[int, ...]) -> Frames:
        frames = np.frombuffer(read.decompress(data), np.uint8).reshape(-1, *shape)
        return np.cumsum(frames, axis=0, dtype=np.uint8) if differences else frames

    kind = ", differences of frames" if differences else ""
    return Codec(f"zstd {level}, {size} a block{kind}", size, encode, decode)


def blosc(name: str, codec: blosc2.Codec) -> Codec:
    filters = {"filters": [blosc2.Filter.SHUFFLE], "filters_meta": [0]}

    def encode(frames: Frames) -> bytes:
        settings = {"typesize": frames.shape[-1], "codec": codec, "clevel": 5, **filters}
        return blosc2.compress2(frames.tobytes(), **settings)

    def decode(data: bytes, shape: tuple[int, ...]) -> Frames:
        return np.frombuffer(blosc2.decompress2(data), np.uint8).reshape(-1, *shape)

    return Codec(f"blosc2 {name}, shuffled, 1 a block", 1, encode, decode)


def png(level: int) -> Codec:
    def encode(frames: Frames) -> bytes:
        settings = [cv2.IMWRITE_PNG_COMPRESSION, level]
        return cv2.imencode(".png", frames[0], settings)[1].tobytes()

    def decode(data: bytes, shape: tuple[int, ...]) -> Frames:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        return image.reshape(1, *shape)

    return Codec(f"PNG {level}, 1 a block", 1, encode, decode)


def ffv1() -> Codec:
    """Return FFV1 in which every frame is a key frame; all frames have one size."""
    readers = list[av.CodecContext]()

    def context(mode: str, frames: Frames) -> av.CodecContext:
        made = av.CodecContext.create("ffv1", mode)
        made.height, made.width, made.pix_fmt, made.thread_count = *frames.shape[1:3], "bgr0", 1
        return made

    def encode(frames: Frames) -> bytes:
        encoder = context("w", frames)
        encoder.time_base, encoder.options = Fraction(1, 15), {"level": "3", "g": "1"}
        image = av.VideoFrame.from_ndarray(frames[0], format="rgb24").reformat(format="bgr0")
        packets = [*encoder.encode(image), *encoder.encode(None)]
        if not readers:
            readers.append(context("r", frames))
            readers[0].extradata = encoder.extradata
        return b"".join(map(bytes, packets))

    def decode(data: bytes, shape: tuple[int, ...]) -> Frames:
        image, *_ = (*readers[0].decode(av.Packet(data)), *readers[0].decode(None))
        readers[0].flush_buffers()
        return image.to_ndarray(format="rgb24")[None]

    return Codec("FFV1, 1 a block", 1, encode, decode)


def measure(codec: Codec, episodes: Sequence[Frames], folder: Path) -> tuple[float, ...]:
    """Return how many times smaller it is, and us a frame to write, read in order and at random."""
    shape, total = episodes[0].shape[1:], sum(map(len, episodes))
    paths = [folder / str(index) for index in range(len(episodes))]
    begin = time.thread_time()
    tables = [codec.write(path, frames) for path, frames in zip(paths, episodes, strict=True)]
    wrote = time.thread_time()
    for path, table in zip(paths, tables, strict=True):
        for block in range(len(table) - 1):
            codec.read(path, table, block, shape)
    in_order = time.thread_time()
    generator = np.random.default_rng(0)
    for _ in range(READS):
        owner = int(generator.integers(len(episodes)))
        at = int(generator.integers(len(episodes[owner])))
        block = codec.read(paths[owner], tables[owner], at // codec.size, shape)
        assert np.array_equal(block[at % codec.size], episodes[owner][at]), codec.name
    at_random = time.thread_time()
    smaller = sum(frames.nbytes for frames in episodes) / sum(table[-1] for table in tables)
    times = (wrote - begin) / total, (in_order - wrote) / total, (at_random - in_order) / READS
    return smaller, *(1e6 * seconds for seconds in times)


def main() -> None:
    cv2.setNumThreads(1)
    blosc2.set_nthreads(1)
    codecs = [raw(), zstd(1, 1), zstd(3, 1), zstd(3, 16), zstd(3, 16, differences=True)]
    codecs += [blosc("LZ4", blosc2.Codec.LZ4), blosc("zstd", blosc2.Codec.ZSTD)]
    codecs += [png(1), png(6), ffv1()]
    for folder in map(Path, sys.argv[1:]):
        files = sorted(folder.glob("*.frames.npy"))
        chosen = np.linspace(0, len(files) - 1, EPISODES).astype(int)
        episodes = [np.load(files[index]) for index in chosen]
        print(f"{folder}: {sum(map(len, episodes))} frames {episodes[0].shape[1:]}")
        for codec in codecs:
            with tempfile.TemporaryDirectory() as scratch:
                figures = [measure(codec, episodes, Path(scratch)) for _ in range(ROUNDS)]
            smaller, *times = np.median(figures, axis=0)
            print(f"| {codec.name} | {smaller:.1f} | {' | '.join(f'{t:.0f}' for t in times)} |")


if __name__ == "__main__":
    main()
