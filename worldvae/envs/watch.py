"""Notes what an environment shows before it is encoded, where the encoding could lose most of it.

Frames are uint8 of one size and all other numbers float32. An image of small numbers then becomes
almost black, of a clock that counts seconds since 1970 only every hundredth change is left, and a
thing looks smaller in a larger picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv
from numpy.typing import NDArray

from worldvae.envs.observations import ImageLayout, KeyEncoding

LOOK = 256
"""How many first observations of an environment are searched for lost digits."""

DARK = 32 / 255
"""Below this share of white the brightest pixel of all frames tells of a wrong scale."""

COARSE = 1e-2
"""Rounding by less than this is not noted: joints at rest tremble by less."""

LEAST_STEPS = 256
"""A number of which float32 tells fewer values apart, over the range that it had, loses digits."""


@dataclass
class Image:
    """The brightest pixel that an image had, in the units of its own space."""

    white: float
    brightest: float = 0.0

    @property
    def is_dark(self) -> bool:
        return self.brightest < DARK * self.white


@dataclass
class Range:
    """Where the numbers of a key lay, and one of them that float32 changed."""

    low: NDArray[Any]
    high: NDArray[Any]
    rounded: Any = None

    @classmethod
    def of(cls, value: NDArray[Any]) -> Range:
        return cls(value.copy(), value.copy())

    def include(self, value: NDArray[Any]) -> None:
        """Extend the range by another value of the key."""
        np.minimum(self.low, value, out=self.low)
        np.maximum(self.high, value, out=self.high)
        changed = value.astype(np.float32).astype(value.dtype) != value
        if self.rounded is None and changed.any():
            self.rounded = value[changed][0].item()

    @property
    def lost(self) -> Any:
        """A number of which float32 loses digits that matter; None if there is none.

        Of whole numbers each digit matters, of others those that tell its values apart.
        """
        if self.rounded is None or self.low.dtype.kind in "iu":
            return self.rounded
        largest = np.maximum(np.abs(self.low), np.abs(self.high))
        step, spread = np.spacing(largest.astype(np.float32)), self.high - self.low
        coarse = (spread > 0) & (step > COARSE) & (spread < LEAST_STEPS * step)
        return self.high[coarse][0].item() if coarse.any() else None


@dataclass
class Noticed:
    """What one environment showed, or several."""

    images: dict[str, Image] = field(default_factory=dict)
    """The image and the further cameras, each under its key; "" if observations are no Dict."""

    lost: dict[str, Any] = field(default_factory=dict)
    """The keys that lose digits, each with one of its numbers."""

    shapes: set[tuple[int, ...]] = field(default_factory=set)
    """The shapes of the pictures, all of which are scaled to the one size of frames."""

    small: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """The shapes of what looks like a further camera but is too small, so that it is a vector."""

    @classmethod
    def joined(cls, parts: Iterable[Noticed]) -> Noticed:
        """Return what all of `parts` noticed."""
        joined = cls()
        for part in parts:
            joined.lost = {**part.lost, **joined.lost}
            joined.shapes |= part.shapes
            joined.small |= part.small
            for key, image in part.images.items():
                known = joined.images.setdefault(key, Image(image.white))
                known.brightest = max(known.brightest, image.brightest)
        return joined


class Watch:
    """Looks at the observations of one environment.

    It costs microseconds in the first `LOOK` observations, and nothing once images are bright.
    """

    def __init__(
        self, image_key: str | None, layout: ImageLayout | None, others: tuple[KeyEncoding, ...]
    ) -> None:
        """Args are those of `FrameObservation`; `layout` None if frames are rendered."""
        self._key = image_key or ""
        self._images = {self._key: Image(255.0 if layout is None else layout.white)}
        self._images |= {one.key: Image(one.layout.white) for one in others if one.layout}
        self._dark = set(self._images)
        self._wide = [one.key for one in others if one.layout is None and _is_wide(one.source)]
        self._small = {one.key: one.source.shape or () for one in others if one.is_small_camera}
        self._ranges: dict[str, Range] = {}
        self._looked = 0
        self._shapes: set[tuple[int, ...]] = set()

    def see(self, frame: NDArray[Any], observation: Any) -> None:
        """Note one observation, whose image or whose rendered frame is `frame`."""
        self._shapes.add(frame.shape)
        if self._dark:
            self._see_images(frame, observation)
        if self._wide and self._looked < LOOK:
            self._looked += 1
            self._see_numbers(observation)

    @property
    def has_seen_enough(self) -> bool:
        """Whether no further observation can change what was noticed, but for shapes."""
        return not self._dark and not (self._wide and self._looked < LOOK)

    @property
    def noticed(self) -> Noticed:
        lost = {key: found for key, one in self._ranges.items() if (found := one.lost) is not None}
        return Noticed(self._images, lost, self._shapes, self._small)

    def _see_images(self, frame: NDArray[Any], observation: Any) -> None:
        for key in tuple(self._dark):
            shown, image = frame if key == self._key else observation[key], self._images[key]
            image.brightest = max(image.brightest, float(shown.max()))
            if not image.is_dark:
                self._dark.remove(key)

    def _see_numbers(self, observation: Mapping[str, Any]) -> None:
        for key in self._wide:
            value = np.atleast_1d(observation[key])
            if key not in self._ranges:
                self._ranges[key] = Range.of(value)
            self._ranges[key].include(value)


def noticed_by(env: VectorEnv[Any, Any, Any]) -> Noticed:
    """Return what the environments of `env` noticed; nothing where `make_env` made none of them."""
    inner = env.unwrapped
    if not isinstance(inner, SyncVectorEnv | AsyncVectorEnv):
        return Noticed()
    # Checked first: to get a missing attribute would end the worker processes.
    if not all(inner.call("has_wrapper_attr", "noticed")):
        return Noticed()
    return Noticed.joined(inner.get_attr("noticed"))


def _is_wide(space: spaces.Space[Any]) -> bool:
    """Return whether float32 cannot hold every number of `space`."""
    return isinstance(space, spaces.Box) and not np.can_cast(space.dtype, np.float32, "safe")
