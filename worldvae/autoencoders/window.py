"""The choice of frames around a time that make one example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar


class Array(Protocol):
    """What a window takes frames from: a NumPy array or a torch tensor, channels last."""

    @property
    def shape(self) -> Any:
        """The lengths of its axes."""

    def __getitem__(self, key: Any, /) -> Any:
        """Return a part of it."""


Pixels = TypeVar("Pixels", bound=Array)


@dataclass(frozen=True)
class Window:
    """Which frames around time t make one example: the input ends at t, the target is t + ahead.

    `with_previous` asks for the frame before the target too, from which motion is seen.
    """

    stack: int = 1
    ahead: int = 0
    with_previous: bool = False

    @property
    def before(self) -> int:
        """Return the number of frames before t."""
        return max(self.stack - 1, 1 if self.with_previous and self.ahead == 0 else 0)

    @property
    def length(self) -> int:
        """Return T, the number of all frames of one example."""
        return self.before + 1 + self.ahead

    def inputs(self, frames: Pixels) -> Pixels:
        """Return what is encoded: (B, H, W, T C) -> (B, H, W, stack C)."""
        channels = self._channels(frames)
        end = (self.before + 1) * channels
        return self._part(frames, end - self.stack * channels, end)

    def target(self, frames: Pixels) -> Pixels:
        """Return what is to be decoded: (B, H, W, T C) -> (B, H, W, C)."""
        return self._part(frames, -self._channels(frames), None)

    def previous(self, frames: Pixels) -> Pixels:
        """Return the frame before the target: (B, H, W, T C) -> (B, H, W, C)."""
        channels = self._channels(frames)
        return self._part(frames, -2 * channels, -channels)

    def _channels(self, frames: Pixels) -> int:
        return int(frames.shape[-1]) // self.length

    def _part(self, frames: Pixels, start: int, end: int | None) -> Pixels:
        part: Pixels = frames[..., start:end]
        return part
