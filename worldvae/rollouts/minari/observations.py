"""Finds the frames and the keys beside them in the observations of a dataset."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.envs.config import EnvConfig
from worldvae.envs.frames import FrameConfig, preprocess_batch
from worldvae.envs.observations import (
    ImageLayout,
    KeyEncoding,
    image_keys,
    image_layout,
    other_spaces,
)
from worldvae.envs.watch import Watch
from worldvae.errors import ArtifactError, ConfigError
from worldvae.rollouts.keys import RecordedKey, vector_keys
from worldvae.rollouts.minari.source import MinariSource
from worldvae.rollouts.minari.task import is_prepared


@dataclass(frozen=True)
class ObservationReader:
    """Reads observations as `make_env` would show them."""

    image_key: str | None
    image: spaces.Box
    layout: ImageLayout
    frame: FrameConfig
    prepared: bool
    """Whether images are frames already, which are stored as they are."""
    keys: tuple[RecordedKey, ...]
    encodings: tuple[KeyEncoding, ...]
    """How each of `keys` is encoded."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an image, with its channels last."""
        rows, *rest = self.image.shape
        return (*rest, rows) if self.layout.channels == "first" else (rows, *rest)

    def is_lossy(self, source: MinariSource) -> bool:
        """Return whether the images were stored as JPEG."""
        from minari.dataset.minari_storage import is_image_space

        return bool(source.storage.jpeg_encoding and is_image_space(self.image))

    def frames(self, observations: Any) -> NDArray[np.uint8]:
        """Return the frames of T + 1 observations: (T + 1, H, W, C) uint8.

        Raises ConfigError if images are not those of their space.
        """
        expected, found = self.image, self._images(observations)
        if found.shape[1:] != expected.shape or found.dtype != expected.dtype:
            raise ConfigError(
                f"its images are {found.shape[1:]} {found.dtype}, those of the dataset's space "
                f"{expected.shape} {expected.dtype}"
            )
        is_plain = self.layout.white == 255 and found.dtype == np.uint8
        if not is_plain or self.layout.channels == "first":
            found = np.stack([self.layout.frame(image) for image in found])
        return found if self.prepared else preprocess_batch(found, self.frame)

    def numbers(self, observations: Any) -> dict[str, NDArray[np.float32]]:
        """Return what T + 1 observations hold beside the frame by key: (T + 1, d) float32."""
        return {
            encode.key: np.stack([encode(value) for value in observations[encode.key]])
            for encode in self.encodings
        }

    def watch(self) -> Watch:
        """Return what looks at observations as `make_env` would, to be given to `show`."""
        return Watch(self.image_key, self.layout, self.encodings)

    def show(self, observations: Any, watch: Watch) -> None:
        """Let `watch` see T + 1 observations before they are encoded."""
        for index, image in enumerate(self._images(observations)):
            watch.see(image, {one.key: observations[one.key][index] for one in self.encodings})

    def _images(self, observations: Any) -> NDArray[Any]:
        return np.asarray(observations if self.image_key is None else observations[self.image_key])


def observation_reader(source: MinariSource, env: EnvConfig) -> ObservationReader:
    """Return what reads the observations of a dataset as `env` says.

    Keys that no policy can observe are left out with a warning. Raises ArtifactError if the
    observations hold no image, or several of which env.image_key names none.
    """
    image, layout = _image(source, env)
    prepared = is_prepared(source)
    reader = _reader(source, env, image, layout, prepared)
    if prepared and reader.shape != env.frame.shape:
        raise ArtifactError(
            f"{source}: its frames are {reader.shape}, env.frame is {env.frame.shape}"
        )
    return reader


def _reader(
    source: MinariSource, env: EnvConfig, image: spaces.Box, layout: ImageLayout, prepared: bool
) -> ObservationReader:
    encodings = _encodings(source, env)
    encoded = spaces.Dict({encode.key: encode.space for encode in encodings})
    known = {key.name: key for key in vector_keys(encoded, "")}
    if source.note is not None:
        known = {key.name: key for key in source.note.keys}
    by_name = {encode.key: encode for encode in encodings}
    if missing := known.keys() - by_name:
        raise ArtifactError(f"{source}: its note tells of keys that it lacks: {missing}")
    return ObservationReader(
        image_key=env.image_key,
        image=image,
        layout=layout,
        frame=env.frame,
        prepared=prepared,
        keys=tuple(known.values()),
        encodings=tuple(by_name[name] for name in known),
    )


def _image(source: MinariSource, env: EnvConfig) -> tuple[spaces.Box, ImageLayout]:
    """Return the space of the images, and how they are laid out."""
    space, key = source.observation_space, env.image_key
    if isinstance(space, spaces.Dict) and key not in space.spaces:
        images = image_keys(space)
        if not images:
            raise ArtifactError(f"{source}: no image among the keys {', '.join(space.spaces)}")
        named = f"env.image_key = {key!r} is none of its keys" if key else "it observes a Dict"
        raise ArtifactError(f"{source}: {named}; set env.image_key to {' or '.join(images)}")
    if not isinstance(space, spaces.Dict) and key is not None:
        raise ArtifactError(f"{source}: no keys, so no env.image_key = {key!r}: {_named(space)}")
    part = space if key is None else space[key]  # type: ignore[index]
    layout = image_layout(part)
    if layout is None or not isinstance(part, spaces.Box):
        raise ArtifactError(
            f"{source}: no image that worldvae reads (uint8, or numbers of which 0 is black and 1 "
            f"or 255 white): {_named(part)}"
        )
    return part, layout


def _named(space: spaces.Space[Any]) -> str:
    """Return a short text for a space."""
    if not isinstance(space, spaces.Box):
        return f"it observes {type(space).__name__}"
    low, high = space.low.min(initial=0), space.high.max(initial=0)
    return f"it observes a Box {space.shape} {space.dtype} from {low} to {high}"


def _encodings(source: MinariSource, env: EnvConfig) -> list[KeyEncoding]:
    """Return how the keys beside the image are encoded, but for those that cannot be."""
    try:
        others = other_spaces(source.observation_space, env.image_key, env.other_keys)
    except ConfigError as error:
        raise ArtifactError(f"{source}: {error}") from None
    found = []
    for key, part in others.items():
        try:
            found.append(KeyEncoding.of(key, part))
        except ConfigError:
            warnings.warn(f"{source}: no agent can observe {key}, it is left out", stacklevel=4)
    return found
