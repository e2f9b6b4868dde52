"""Preprocessing of frames: crop, size and colour.

Frames are preprocessed in no other module, and the settings are saved with each encoder.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from worldvae.config import Config
from worldvae.errors import ConfigError

try:
    import cv2
except ImportError as error:  # a minimal Debian lacks the libraries behind OpenCV's wheel
    if "cannot open shared object" not in str(error):
        raise
    raise ImportError(
        f"OpenCV cannot be loaded ({error}); on Debian: apt-get install libgl1 libglib2.0-0"
    ) from None

Frame = NDArray[np.uint8]


class Crop(Config):
    """Pixels removed from each side of the source frame before it is resized."""

    top: int = Field(0, ge=0, description="Pixels removed at the top.")
    bottom: int = Field(0, ge=0, description="Pixels removed at the bottom.")
    left: int = Field(0, ge=0, description="Pixels removed at the left.")
    right: int = Field(0, ge=0, description="Pixels removed at the right.")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is removed."""
        return not (self.top or self.bottom or self.left or self.right)


class FrameConfig(Config):
    """How the frame of an environment becomes the frame that encoders and agents observe."""

    height: int = Field(64, ge=32, le=128, description="Height of the frame, pixels.")
    width: int = Field(64, ge=32, le=128, description="Width of the frame, pixels.")
    color: Literal["rgb", "gray"] = Field("rgb", description="Three channels (RGB) or one.")
    crop: Crop = Field(Crop(), description="Borders cut away before resizing.")
    max_pool: bool = Field(
        False,
        description="The brighter, pixel by pixel, of the images of a decision's last two steps "
        "(Mnih et al., 2015), since some Atari games draw on every other screen only. It takes "
        "action_repeat; for Atari kwargs: {frameskip: 1} and action_repeat: 4.",
    )

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape (H, W, C) of a preprocessed frame."""
        return self.height, self.width, 3 if self.color == "rgb" else 1

    def leaves(self, shape: tuple[int, ...]) -> bool:
        """Return whether images of `shape` are frames already, of which no number changes."""
        return shape == self.shape and self.crop.is_empty

    def __str__(self) -> str:
        sides = ", ".join(f"{side} {cut}" for side, cut in self.crop if cut)
        pooled = ", max-pooled over two steps" if self.max_pool else ""
        return f"{self.height}x{self.width} {self.color}, crop {sides or 'none'}{pooled}"


def preprocess(image: Frame, config: FrameConfig) -> Frame:
    """Crop, resize and recolour: (H0, W0) or (H0, W0, 1 or 3) uint8 RGB -> (H, W, C) uint8.

    Images are scaled down by averaging areas, since other filters can skip small objects. Raises
    ConfigError if `image` is not such an array or the crop leaves nothing of it.
    """
    check_image(image)
    if config.leaves(image.shape):
        return np.ascontiguousarray(image)
    _check_crop(image.shape, config)
    return _preprocess(image, config)


def preprocess_batch(images: Frame, config: FrameConfig) -> Frame:
    """Preprocess B images of one shape: (B, H0, W0) or (B, H0, W0, 1 or 3) -> (B, H, W, C) uint8.

    Images that are already (H, W, C) are returned unchanged, without a copy, if nothing is cropped.
    Raises ConfigError as `preprocess` does.
    """
    if not len(images):
        return np.empty((0, *config.shape), np.uint8)
    check_image(images[0])
    if config.leaves(images.shape[1:]):
        return images
    _check_crop(images.shape[1:], config)
    return np.stack([_preprocess(image, config) for image in images])


def _preprocess(image: Frame, config: FrameConfig) -> Frame:
    crop = config.crop
    rows, columns = image.shape[:2]
    image = image[crop.top : rows - crop.bottom, crop.left : columns - crop.right]
    if config.color == "gray" and image.ndim == 3 and image.shape[2] == 3:
        # Before resizing, which then has one channel of three to average.
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    if image.shape[:2] != (config.height, config.width):
        image = _resized(image, config.height, config.width)
    image = image.reshape(config.height, config.width, -1)
    if image.shape[2] != config.shape[2]:
        image = np.repeat(image, config.shape[2], axis=2)
    return np.ascontiguousarray(image)


def _resized(image: Frame, height: int, width: int) -> Frame:
    """Resize an image: average areas along shrinking sides, interpolate along growing ones."""
    rows, columns = image.shape[:2]
    smaller = min(rows, height), min(columns, width)
    if smaller != (rows, columns):
        image = _scaled(image, *smaller, cv2.INTER_AREA)
    if smaller != (height, width):
        image = _scaled(image, height, width, cv2.INTER_LINEAR)
    return image


def _scaled(image: Frame, height: int, width: int, filter_: int) -> Frame:
    return np.asarray(cv2.resize(image, (width, height), interpolation=filter_), np.uint8)


def check_image(image: Frame) -> None:
    """Raise ConfigError unless `image` is (H0, W0) or (H0, W0, 1 or 3) uint8."""
    is_image = image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (1, 3))
    if image.dtype != np.uint8 or not is_image:
        raise ConfigError(
            f"expected an image of shape (H, W), (H, W, 1) or (H, W, 3) uint8, "
            f"got {image.shape} {image.dtype}"
        )


def _check_crop(shape: tuple[int, ...], config: FrameConfig) -> None:
    rows, columns = shape[:2]
    crop = config.crop
    if crop.top + crop.bottom >= rows or crop.left + crop.right >= columns:
        raise ConfigError(
            f"frame.crop ({config}) leaves nothing of a frame of {rows}x{columns} pixels"
        )
