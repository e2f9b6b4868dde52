"""Film agents side by side: what the environment shows, and what each of them sees of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from agents.policy.agent import Agent
from agents.video.panels import Panel, Picture
from agents.video.player import Player
from worldvae.envs.world import World
from worldvae.errors import ArtifactError, ConfigError
from worldvae.files import user_errors

COLUMNS = 3
"""Views in a row: as wide as a phone shows with legible letters."""

GAP = 4

MOST = 1_000
"""Decisions of a film."""


def record_video(agent: Agent, world: World, seed: int, path: Path, most: int = MOST) -> None:
    """Film one episode of one agent, see `film`."""
    player = Player("agent", agent, world, seed)
    try:
        film([player], path, most)
    finally:
        player.close()


def film(players: Sequence[Player], path: Path, most: int = MOST) -> None:
    """Play to the end and write it to `path` (VP9 in WebM), at most `most` decisions.

    A picture a decision. Who ends earlier stands still.
    """
    _write(pictures(players, most), players[0].rate, path)


def keep_small(path: Path, most: int) -> None:
    """Leave out every second picture of the film until it has at most `most` bytes."""
    while path.stat().st_size > most:
        read = cv2.VideoCapture(str(path))
        rate = read.get(cv2.CAP_PROP_FPS)
        try:
            _write(_every_second(read), rate / 2, path)
        finally:
            read.release()


def _every_second(read: cv2.VideoCapture) -> Iterator[Picture]:
    """RGB."""
    while True:
        is_there, picture = read.read()
        if not is_there:
            return
        yield np.asarray(picture, np.uint8)[..., ::-1]
        read.grab()


def pictures(players: Sequence[Player], most: int = MOST) -> Iterator[Picture]:
    """Step all players until the last has ended, with a picture before each step and at the end.

    (H, W, 3) RGB, always of the same size. One player alone has its views beside each other.
    """
    panels = [Panel(player) for player in players]
    for decision in range(most + 1):
        yield _grid([panel.picture(beside=len(players) == 1) for panel in panels])
        if all(player.ended for player in players) or decision == most:
            return
        for player in players:
            player.step()


def _grid(panels: Sequence[Picture]) -> Picture:
    """Panels of one size, at most COLUMNS in a row, with black GAPs."""
    columns = min(COLUMNS, len(panels))
    every = [np.pad(panel, ((0, GAP), (0, GAP), (0, 0))) for panel in panels]
    every += [np.zeros_like(every[0])] * (-len(every) % columns)
    rows = [np.concatenate(every[at : at + columns], 1) for at in range(0, len(every), columns)]
    return np.concatenate(rows)


def _write(shown: Iterator[Picture], rate: float, path: Path) -> None:
    """Pictures of one size, `rate` a second, to `path`, which is whole or as it was."""
    partial = path.with_name(f".{path.stem}.tmp{path.suffix}")
    with user_errors(path):
        partial.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        partial.write_bytes(b"")  # OpenCV does not say why it cannot write
    try:
        count = _encode(shown, rate, partial)
        if count != _pictures_in(partial):
            raise ArtifactError(f"{path}: the film was not written whole; is the disk full?")
        with user_errors(path):
            os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _encode(shown: Iterator[Picture], rate: float, path: Path) -> int:
    """Write the pictures; how many."""
    count, writer = 0, None
    try:
        for picture in shown:
            count += 1
            writer = writer or _writer(path, picture, rate)
            writer.write(np.ascontiguousarray(picture[..., ::-1]))  # OpenCV writes BGR
    finally:
        if writer is not None:
            writer.release()
    return count


def _pictures_in(path: Path) -> int:
    """How many can be read back: neither OpenCV nor FFmpeg says that a disk is full."""
    read = cv2.VideoCapture(str(path))
    try:
        return sum(1 for _ in iter(read.grab, False))
    finally:
        read.release()


def _writer(path: Path, picture: Picture, rate: float) -> cv2.VideoWriter:
    size = picture.shape[1], picture.shape[0]
    with _deaf_to_ffmpeg():
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP90"), rate, size)
    if not writer.isOpened():
        raise ConfigError(f"{path}: this OpenCV cannot write VP9 video")
    return writer


@contextmanager
def _deaf_to_ffmpeg() -> Iterator[None]:
    """OpenCV prints that WebM names no tag for VP9, which harms nothing; no setting prevents it."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
