"""Draws what an agent observes beside the frame: a reconstruction, a stack of frames, or bars.

Pictures are (H, W, 3) uint8 RGB.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agents.arms.observers import OBSERVERS
from agents.video.player import Player, short_return
from worldvae.wording import decisions_later
from worldvae.wrappers.history import History

Picture = NDArray[np.uint8]

SIDE = 160
"""Width and height of a view, in pixels."""

LINE = 20
BACKGROUND, FOREGROUND, FAINT = 24, (235, 235, 235), (90, 90, 90)
SHOWN_FRAMES = 4
"""How many frames of a stack are shown: the newest ones."""


class Panel:
    """Draws one player: a new picture after each of its decisions."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._colour = tuple(bytes.fromhex(player.agent.arm.colour.removeprefix("#")))
        encoder = player.agent.encode.encoder if player.agent.encode else None
        self._encoder = encoder
        self._decodes = encoder is not None and encoder.card.trained
        self._frames = History(encoder.stack if encoder else 1)
        self._decision, self._picture = -1, np.zeros((0, 0, 3), np.uint8)

    def picture(self, beside: bool) -> Picture:
        """Return the frame and the agent's observation: side by side, or one below the other."""
        if self._decision != self._player.decisions:
            self._decision = self._player.decisions
            self._picture = self._draw(beside)
        return self._picture

    def _draw(self, beside: bool) -> Picture:
        player = self._player
        name = text_line(player.name)
        name[:, :4] = self._colour
        word = "ended at" if player.ended else "return"
        score = text_line(f"{word} {short_return(player.total)}")
        left = np.concatenate([name, score, fitted(player.frame)])
        title, view = self._view()
        step = [text_line(f"decision {player.decisions}")] if beside else []
        right = np.concatenate([*step, text_line(title), view])
        return np.concatenate([left, right], axis=1 if beside else 0)

    def _view(self) -> tuple[str, Picture]:
        """Return the title and the picture of the agent's observation."""
        player, seen = self._player, self._player.seen
        if self._encoder is None and seen.ndim == 3:
            count = seen.shape[-1] // player.frame.shape[-1]
            return f"sees {count} frame{'s' if count > 1 else ''}", _strip(seen, count)
        observer = OBSERVERS[player.agent.arm.observes]
        if self._encoder is None:
            return observer.panel, bars(seen, self._colour, observer.reach)
        inputs = self._frames.push(player.frame[None], np.array([player.decisions == 0]))
        if self._decodes:
            ahead = self._encoder.window.ahead
            title = decisions_later(ahead) if ahead else "its latents keep"
            return title, fitted(self._encoder.reconstruct(inputs)[0])
        newest = seen[-self._encoder.latents :]
        return observer.panel, bars(newest, self._colour, observer.reach)


def fitted(frame: NDArray[np.uint8], height: int = SIDE, width: int = SIDE) -> Picture:
    """Return `frame` (H, W, C) enlarged or reduced to fit, centred in (height, width, 3)."""
    scale = min(height / frame.shape[0], width / frame.shape[1])
    size = round(frame.shape[1] * scale), round(frame.shape[0] * scale)
    large = cv2.resize(frame, size, interpolation=cv2.INTER_NEAREST).reshape(size[1], size[0], -1)
    picture = np.full((height, width, 3), BACKGROUND, np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    picture[top : top + size[1], left : left + size[0]] = large
    return picture


def bars(values: NDArray[Any], shade: Sequence[int], reach: float) -> Picture:
    """Return values (D,) as bars up and down from the middle, clipped at `reach`.

    The picture is (SIDE, SIDE, 3).
    """
    picture = np.full((SIDE, SIDE, 3), BACKGROUND, np.uint8)
    middle = SIDE // 2
    edges = np.linspace(4, SIDE - 4, len(values) + 1)
    for value, left, right in zip(values, edges, edges[1:], strict=False):
        end = middle - round(float(np.clip(value / reach, -1, 1)) * (middle - 4))
        low, high = sorted((middle, end))
        picture[low : high + 1, round(left) : max(round(right) - 1, round(left) + 1)] = shade
    picture[middle] = FAINT
    return picture


def _strip(seen: NDArray[np.uint8], count: int) -> Picture:
    """Return the newest frames of a stack (H, W, count C), from left to right, two in a row."""
    newest = np.split(seen, count, axis=-1)[-SHOWN_FRAMES:]
    if len(newest) == 1:
        return fitted(newest[0])
    half = SIDE // 2
    small = [fitted(frame, half, half) for frame in newest]
    small += [np.full((half, half, 3), BACKGROUND, np.uint8)] * (-len(small) % 2)
    rows = [np.concatenate(small[at : at + 2], axis=1) for at in range(0, len(small), 2)]
    padding = np.full((SIDE - half * len(rows), SIDE, 3), BACKGROUND, np.uint8)
    return np.concatenate([*rows, padding])


def text_line(text: str) -> Picture:
    """Return a line of text: (LINE, SIDE, 3)."""
    line = np.full((LINE, SIDE, 3), BACKGROUND, np.uint8)
    place, font = (9, LINE - 6), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(line, text, place, font, 0.5, FOREGROUND, 1, cv2.LINE_AA)
    return line
