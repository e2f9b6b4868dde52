"""A frozen encoder of an environment's frames, and the observer that stacks its latents.

The same frame gives the same latent in training, in play, and in each wrapper.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.autoencoders.encoder import Encoder
from worldvae.envs.frames import FrameConfig, preprocess_batch
from worldvae.envs.vector import image_space
from worldvae.errors import ArtifactError
from worldvae.wrappers.history import History
from worldvae.wrappers.observer import NO_INDICES, Moment, Observer

OBSERVATION_REMEDY = (
    "make it with worldvae.envs.make_env or make_vec; or, if it observes no image, make it with "
    "render_mode='rgb_array' and wrap it in gymnasium.wrappers.AddRenderObservation; if it "
    "observes a Dict, name image_key; of a VecEnv, wrap before VecTransposeImage"
)
"""Advice for an environment that does not show frames an encoder can read."""


class FrameEncoder:
    """Turns frames of an environment into the latents that an agent observes.

    Args:
        encoder: An encoder, or the folder of one, or its address on the hub: hf://USER/NAME.
        whiten: Shift and scale each latent by its mean and deviation over the training frames.
        frame: The preprocessing that the environment has already applied. With None the frames are
            raw, and are preprocessed here as the encoder's card says.
        steps: The environment's steps from a frame to the next; None if they are not known.

    Raises ArtifactError if the environment's frames are not those the encoder was trained on. If it
    reads several at once and they lie further apart or closer than in training, that is a warning.
    """

    def __init__(
        self,
        encoder: Encoder | str | Path,
        whiten: bool,
        frame: FrameConfig | None,
        steps: int | None,
    ) -> None:
        self.encoder = encoder if isinstance(encoder, Encoder) else Encoder.load(encoder)
        self.whitens = whiten
        self._is_raw = frame is None
        if frame is not None:
            self.encoder.card.check_frame(frame, "this environment")
        elif self.encoder.card.frame.max_pool:
            warnings.warn(
                "the encoder was trained on the brighter of a decision's last two images "
                "(frame.max_pool): let this environment show it, too, as "
                "gymnasium.wrappers.AtariPreprocessing and make_env do",
                stacklevel=4,
            )
        self._warn_of_steps(steps)

    @property
    def space(self) -> spaces.Box:
        """The space of one latent vector (Z,)."""
        return spaces.Box(-np.inf, np.inf, (self.encoder.latents,), np.float32)

    def _warn_of_steps(self, steps: int | None) -> None:
        trained = self.encoder.card.action_repeat
        if self.encoder.stack == 1 or trained is None or steps in {None, trained}:
            return
        warnings.warn(
            f"the encoder reads {self.encoder.stack} frames at once, {trained} steps apart in "
            f"training and {steps} in this environment, so that things move otherwise in them; set "
            f"env.action_repeat to {trained}, or pretrain another encoder",
            stacklevel=4,
        )

    def check_space(self, space: gym.Space[Any], image_key: str | None) -> None:
        """Raise ArtifactError unless observations of `space` hold frames this encoder can read.

        Args:
            image_key: The key of the frame, if `space` is a Dict.
        """
        image, card = image_space(space, image_key), self.encoder.card
        shape = card.source_shape if self._is_raw else card.frame.shape
        # Of zeros and ones `make_env` makes black and white, and so the encoder has seen them.
        is_image = (
            isinstance(image, spaces.Box) and image.dtype == np.uint8 and image.high.max() > 1
        )
        if not (is_image and image.shape == tuple(shape)):
            where = "" if image_key is None else f" under {image_key!r}"
            shown = " ".join(str(image).split())  # the bounds of a long vector take several lines
            raise ArtifactError(
                f"the encoder was trained on {card.env_id} with frames of {tuple(shape)} uint8, "
                f"this environment shows {shown}{where}; {OBSERVATION_REMEDY}"
            )

    def __call__(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Encode preprocessed inputs of n frames each, the oldest first: (B, H, W, n C) -> (B, Z).

        n is the number of frames that the encoder reads at once.
        """
        latents = self.encoder.encode(inputs)
        return self.encoder.whiten(latents) if self.whitens else latents

    def preprocess(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Preprocess raw frames: (B, H0, W0, C0) uint8 -> (B, H, W, C) uint8.

        Frames that the environment has already preprocessed, (B, H, W, C), are returned unchanged.
        Raises ArtifactError if raw frames have another shape than those the encoder was trained on.
        """
        if not self._is_raw:
            return frames
        card = self.encoder.card
        if frames.shape[1:] != card.source_shape:
            raise ArtifactError(
                f"the encoder was trained on {card.env_id} with frames of {card.source_shape}, "
                f"this environment gives {frames.shape[1:]}"
            )
        return preprocess_batch(frames, card.frame)


class LatentObserver(Observer):
    """Observes the last `stack` latents of N environments; each frame is encoded once.

    All frames of a step, final observations included, are encoded in one batch. For an encoder that
    reads several frames at once, the earlier frames are kept here.
    """

    def __init__(self, encode: FrameEncoder, stack: int) -> None:
        self.encode = encode
        super().__init__(stack)

    def forget(self) -> None:
        super().forget()
        self._frames = History(self.encode.encoder.stack)
        self.newest_inputs: NDArray[np.uint8] | None = None
        """The encoder's inputs of the last step, without final observations: (N, H, W, n C)."""

    def feature_space(self, shown: gym.Space[Any]) -> spaces.Box:
        return self.encode.space

    @property
    def num_parameters(self) -> int:
        """The number of frozen weights that its observations use."""
        return self.encode.encoder.num_parameters

    def check_space(self, space: gym.Space[Any], image_key: str | None) -> None:
        """Raise ArtifactError unless observations of `space` are such as it can observe."""
        self.encode.check_space(space, image_key)

    def codes(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the latents that are put on the stacks: inputs (B, H, W, n C) -> (B, Z)."""
        return self.encode(inputs)

    def begin(self, moment: Moment, episode_start: NDArray[np.bool_]) -> NDArray[np.float32]:
        frames = self.encode.preprocess(moment.frames)
        self.newest_inputs = self._frames.begin(frames, episode_start)
        latents = np.zeros((len(frames), self.encode.encoder.latents), np.float32)
        latents[episode_start] = self.codes(self.newest_inputs[episode_start])
        return self._history.begin(latents, episode_start)

    def step(
        self,
        moment: Moment,
        episode_start: NDArray[np.bool_],
        last: Moment | None = None,
        ended: NDArray[np.intp] = NO_INDICES,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        newest = self.encode.preprocess(moment.frames)
        if last is None:
            self.newest_inputs = self._frames.push(newest, episode_start)
            stacks = self._history.push(self.codes(self.newest_inputs), episode_start)
            return stacks, stacks[:0]
        # Final observations belong to the old stacks, so they are added before `push`.
        last_inputs = self._frames.with_last(self.encode.preprocess(last.frames), ended)
        self.newest_inputs = self._frames.push(newest, episode_start)
        codes = self.codes(np.concatenate([self.newest_inputs, last_inputs]))
        latents, last_latents = np.split(codes, [len(newest)])
        final = self._history.with_last(last_latents, ended)
        return self._history.push(latents, episode_start), final
