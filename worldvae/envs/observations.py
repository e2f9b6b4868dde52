"""Finds the image in an environment's observation, and encodes its other keys.

Every policy observes the same: one frame, further cameras as uint8 images, and each other key as a
flat vector of float32, whatever space the environment has declared for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.envs.frames import Frame
from worldvae.errors import ConfigError

SMALLEST_SIDE = 16
"""Least side in pixels of an image that is not uint8; a smaller Box is a table of numbers."""

SMALLEST_CAMERA = 36
"""Least side of an image that Stable-Baselines3's convolutions (Mnih et al. 2015) can take."""

PIXEL_TOLERANCE = 1e-3
"""How far outside of [0, 1] a pixel, as a share of white, may be from rounding."""

LARGEST_KEY = 1e15
"""The largest absolute number of a key: its square has to stay finite in float32."""

MOST_NUMBERS = 2**14
"""The most numbers of a key: each is stored with every frame, and is an input of each policy."""

COLORS = (1, 3)
CAMERA_CHANNELS = (1, 3, 4)
"""Numbers of channels: a frame has 1 or 3 of `COLORS`, a further camera may also have depth."""

MORE_CHANNELS = (2, 4)
"""Numbers of channels of what is likely an image, but no frame: with alpha, depth, or stacked."""

Channels = Literal["none", "first", "last"]

FLATTENED = spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary


@dataclass(frozen=True)
class ImageLayout:
    """How an array holds an image: the axis of its channels, and the number that is white."""

    channels: Channels
    white: float
    """255 for grey levels, 1 for floats from 0 to 1."""

    def frame(self, image: NDArray[Any]) -> Frame:
        """Return the image as uint8: (H, W), (H, W, C) or (C, H, W) -> (H, W) or (H, W, C).

        The result is a view if no number changes. Raises ConfigError for pixels that are NaN or
        outside of the bounds of the space.
        """
        if self.channels == "first":
            image = np.moveaxis(image, 0, -1)
        if image.dtype == np.uint8 and self.white == 255:
            return image
        shares, low, high = image / self.white, -PIXEL_TOLERANCE, 1 + PIXEL_TOLERANCE
        if not (shares.min() >= low and shares.max() <= high):  # nor NaN
            raise ConfigError(
                f"an image has values from {image.min()} to {image.max()}, where its space says "
                f"0 to {self.white:g}"
            )
        return np.rint(np.clip(255 * shares, 0, 255)).astype(np.uint8)


def image_layout(space: spaces.Space[Any], counts: tuple[int, ...] = COLORS) -> ImageLayout | None:
    """Return the layout of images in `space`; None if it holds no image or its layout is unclear.

    An image is uint8, or other numbers from 0 to 255, or floats from 0 to 1, of shape (H, W),
    (H, W, C) or (C, H, W); `counts` are the numbers of channels C that it may have.
    """
    if not isinstance(space, spaces.Box):
        return None
    white, channels = _white(space), _channels(space, counts)
    return None if white is None or channels is None else ImageLayout(channels, white)


def why_no_image(space: spaces.Space[Any]) -> str:
    """Return what keeps a Box from being an image, and what helps; to be read after "no image".

    It is empty for what is an image, or does not look like one.
    """
    if not isinstance(space, spaces.Box) or image_layout(space) is not None:
        return ""
    if _channels(space, COLORS) is not None:
        declare = "declare Box(0, 255, ...) or, of floats, Box(0, 1, ...)"
        return f" by its bounds; if it is one, {declare}"
    if _channels(space, MORE_CHANNELS) is not None:
        return " of 1 or 3 channels; if it is one, show it without the others, such as alpha"
    return ""


def image_keys(space: spaces.Space[Any]) -> list[str]:
    """Return the keys of a Dict that hold an image of at least `SMALLEST_SIDE` pixels a side.

    Smaller ones are usually maps of symbols.
    """
    if not isinstance(space, spaces.Dict):
        return []
    return [key for key, part in space.spaces.items() if _side(part, COLORS) >= SMALLEST_SIDE]


def other_spaces(
    space: spaces.Space[Any], image_key: str | None, chosen: Sequence[str] | None = None
) -> dict[str, spaces.Space[Any]]:
    """Return the keys of a Dict beside the image, of which `chosen` are observed (None: all).

    They are in the order of the space. There are none if observations are no Dict. Raises
    ConfigError if the space lacks one of `chosen`.
    """
    if image_key is None or not isinstance(space, spaces.Dict):
        return {}
    others = {key: part for key, part in space.spaces.items() if key != image_key}
    if chosen is None:
        return others
    if missing := [key for key in chosen if key not in others]:
        names = ", ".join(others) or "none"
        raise ConfigError(f"env.other_keys names {missing[0]}; beside the image there are: {names}")
    return {key: part for key, part in others.items() if key in chosen}


@dataclass(frozen=True)
class KeyEncoding:
    """How policies observe one of the keys beside the image; it is the same in every arm."""

    key: str
    source: spaces.Space[Any]
    layout: ImageLayout | None
    """The layout of the image if the key is a further camera; None for any other key."""

    @classmethod
    def of(cls, key: str, source: spaces.Space[Any]) -> KeyEncoding:
        """Return the encoding of `key`, whose space is `source`.

        Raises ConfigError for a space that the usual policies cannot observe.
        """
        if not isinstance(key, str) or not key or 0 in (source.shape or (1,)):
            raise ConfigError(f"the observation's key {key!r} has no name, or nothing in it")
        if not isinstance(source, FLATTENED):
            raise ConfigError(
                f"the observation's {key} is neither Box nor Discrete, which no stock policy can "
                "take; name the others in env.other_keys, or set env.pixels: render"
            )
        if _side(source, CAMERA_CHANNELS) >= SMALLEST_CAMERA:
            return cls(key, source, image_layout(source, CAMERA_CHANNELS))
        if (size := spaces.utils.flatdim(source)) > MOST_NUMBERS:
            choices = "" if isinstance(source, spaces.Box) else ", one for each choice"
            raise ConfigError(
                f"the observation's {key} would be {size:,} numbers{choices}, over "
                f"{MOST_NUMBERS:,}; leave it out of env.other_keys, wrap the environment to say "
                "it in fewer, or set env.pixels: render, which shows the image alone"
            )
        return cls(key, source, None)

    @property
    def space(self) -> spaces.Box:
        """The space of the encoded values: (H, W, C) uint8 for a camera, else (D,) float32.

        Discrete values are one-hot.
        """
        if self.layout is not None:
            return spaces.Box(0, 255, self._camera(self.source.sample()).shape, np.uint8)
        flat = spaces.utils.flatten_space(self.source)
        assert isinstance(flat, spaces.Box)
        with np.errstate(over="ignore"):  # bounds beyond float32 are none
            low, high = (bound.astype(np.float32) / self.scale for bound in (flat.low, flat.high))
        return spaces.Box(low, high, flat.shape, np.float32)

    def __call__(self, value: Any) -> NDArray[Any]:
        """Return `value` of `source`, encoded in `space`.

        Raises ConfigError if its numbers are not finite, or over `LARGEST_KEY`.
        """
        if self.layout is not None:
            return self._camera(value)
        numbers = np.asarray(spaces.utils.flatten(self.source, value))
        # Of the least integer of a type, abs() would be negative.
        if not (numbers.max() <= LARGEST_KEY and numbers.min() >= -LARGEST_KEY):  # nor NaN
            raise self._unusable(numbers)
        return (numbers.astype(np.float32) / self.scale).astype(np.float32)

    def _unusable(self, numbers: NDArray[Any]) -> ConfigError:
        if not np.isfinite(numbers).all():
            return ConfigError(f"the observation's {self.key} is {numbers}: not all finite numbers")
        largest = max(numbers.min().item(), numbers.max().item(), key=abs)
        return ConfigError(
            f"the observation's {self.key} holds {largest:g}; numbers over {LARGEST_KEY:g} cannot "
            "be learned from, since their squares leave float32: scale or clip it in the "
            "environment"
        )

    @property
    def is_small_camera(self) -> bool:
        """Whether it looks like a camera that is too small for convolutions: numbers are kept."""
        return SMALLEST_SIDE <= _side(self.source, CAMERA_CHANNELS) < SMALLEST_CAMERA

    def _camera(self, value: NDArray[Any]) -> Frame:
        assert self.layout is not None
        return np.ascontiguousarray(np.atleast_3d(self.layout.frame(value)))

    @property
    def scale(self) -> float:
        """The divisor of values: the white of an image that is too small for a camera, else 1."""
        levels = self.source.dtype == np.uint8 and len(self.source.shape or ()) == 3
        layout = image_layout(self.source) if levels else None
        return 1.0 if layout is None else layout.white


def _white(space: spaces.Box) -> float | None:
    if (space.low == 0).all() and (space.high == 1).all():
        return 1.0
    if space.dtype == np.uint8:
        return 255.0
    return 255.0 if (space.low == 0).all() and (space.high == 255).all() else None


def _channels(space: spaces.Box, counts: tuple[int, ...]) -> Channels | None:
    """Return the axis of the channels of an image; None if `space` holds none.

    A uint8 Box is an image of any size, another Box has to have sides of at least `SMALLEST_SIDE`.
    """
    shape, least = space.shape, 1 if space.dtype == np.uint8 else SMALLEST_SIDE
    if len(shape) == 2:
        return "none" if min(shape) >= least else None
    if len(shape) != 3:
        return None
    if shape[2] in counts and min(shape[:2]) >= least:
        return "last"
    return "first" if shape[0] in counts and min(shape[1:]) >= SMALLEST_SIDE else None


def _side(space: spaces.Space[Any], counts: tuple[int, ...]) -> int:
    """Return the smaller side of an image in pixels; 0 if `space` holds no image."""
    layout, shape = image_layout(space, counts), space.shape or ()
    if layout is None:
        return 0
    return min(shape[1:] if layout.channels == "first" else shape[:2])


def image_of(observation: Any, image_key: str | None) -> NDArray[np.uint8]:
    """Return the image in an observation, which is under `image_key` if that is not None."""
    return observation if image_key is None else observation[image_key]  # type: ignore[no-any-return]


def with_image(observation: Any, image_key: str | None, image: NDArray[Any]) -> Any:
    """Return `observation` with its image replaced by `image`."""
    return image if image_key is None else {**observation, image_key: image}
