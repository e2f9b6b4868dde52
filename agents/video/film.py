"""Films agents side by side: the environment's frame and the observation of each agent."""

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
"""Panels in a row: at this width a phone still shows legible letters."""

GAP = 4

MAX_DECISIONS = 1_000
"""The largest number of decisions that a film shows."""


def record_video(agent: Agent, world: World, seed: int, path: Path) -> None:
    """Film one episode of one agent to `path`, see `film`."""
    player = Player("agent", agent, world, seed)
    try:
        film([player], path)
    finally:
        player.close()


def film(players: Sequence[Player], path: Path, limit: int = MAX_DECISIONS) -> None:
    """Play until all players have ended, at most `limit` decisions, and write a film to `path`.

    The film is VP9 in WebM and has one picture per decision. A player whose episode ends earlier
    shows its last picture until the end.
    """
    write_film(pictures(players, limit), players[0].rate, path)


def shrink(path: Path, limit: int) -> None:
    """Drop every second picture of the film at `path` until it has at most `limit` bytes."""
    while path.stat().st_size > limit:
        video = cv2.VideoCapture(str(path))
        rate = video.get(cv2.CAP_PROP_FPS)
        try:
            write_film(_every_second(video), rate / 2, path)
        finally:
            video.release()


def _every_second(video: cv2.VideoCapture) -> Iterator[Picture]:
    """Yield every second picture of a film, (H, W, 3) RGB."""
    while True:
        is_there, picture = video.read()
        if not is_there:
            return
        yield np.asarray(picture, np.uint8)[..., ::-1]
        video.grab()


def pictures(players: Sequence[Player], limit: int = MAX_DECISIONS) -> Iterator[Picture]:
    """Yield a picture of all players before each of their steps, and one at the end.

    Playing ends after `limit` steps or when all episodes have ended. Pictures are (H, W, 3) RGB of
    one size. A single player has its frame and its observation side by side, several have them one
    below the other.
    """
    panels = [Panel(player) for player in players]
    for decision in range(limit + 1):
        yield _grid([panel.picture(beside=len(players) == 1) for panel in panels])
        if all(player.ended for player in players) or decision == limit:
            return
        for player in players:
            player.step()


def _grid(panels: Sequence[Picture]) -> Picture:
    """Return panels of one size as one picture: at most COLUMNS in a row, with black gaps."""
    columns = min(COLUMNS, len(panels))
    every = [np.pad(panel, ((0, GAP), (0, GAP), (0, 0))) for panel in panels]
    every += [np.zeros_like(every[0])] * (-len(every) % columns)
    rows = [np.concatenate(every[at : at + columns], 1) for at in range(0, len(every), columns)]
    return np.concatenate(rows)


def write_film(shown: Iterator[Picture], rate: float, path: Path) -> None:
    """Write pictures of one size to `path` at `rate` per second; a failure leaves the old file."""
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
    """Write the pictures to `path`; return how many there were."""
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
    """Return how many pictures can be read back: OpenCV and FFmpeg do not report a full disk."""
    video = cv2.VideoCapture(str(path))
    try:
        return sum(1 for _ in iter(video.grab, False))
    finally:
        video.release()


def _writer(path: Path, picture: Picture, rate: float) -> cv2.VideoWriter:
    size = picture.shape[1], picture.shape[0]
    with _ffmpeg_silenced():
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP90"), rate, size)
    if not writer.isOpened():
        raise ConfigError(f"{path}: this OpenCV cannot write VP9 video")
    return writer


@contextmanager
def _ffmpeg_silenced() -> Iterator[None]:
    """Silence standard error.

    OpenCV warns there that WebM has no tag for VP9; it is harmless, and no setting prevents it.
    """
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
