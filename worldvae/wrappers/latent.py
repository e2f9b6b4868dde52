"""Gymnasium wrappers that put a frozen encoder between an environment and its agent.

The same frame gives the same latent in all of them, terminal observations included. They take
the path of an encoder, so that a line of YAML can name them, or an `Encoder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import WrapperSpec
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv
from numpy.typing import NDArray

from worldvae.autoencoders.encoder import Encoder
from worldvae.envs.frames import FrameConfig, preprocess_batch
from worldvae.envs.vector import image_of, image_space, replace_image_space, with_image
from worldvae.errors import ArtifactError
from worldvae.wrappers.history import History, stacked_space
from worldvae.wrappers.stack import NO_ONE, StackedVectorObservation

REMEDY = (
    "make it with worldvae.envs.make_env or make_vec; or, if it observes no image, wrap it in "
    "gymnasium.wrappers.AddRenderObservation; if it observes a Dict, name image_key; of a VecEnv, "
    "wrap before VecTransposeImage"
)
"""Ways to an environment whose frames an encoder can take."""


class FrameEncoder:
    """Frames as an environment gives them -> latents as an agent sees them.

    Args:
        encoder: An encoder, or the folder of one.
        whiten: Shift and scale each latent by its mean and deviation over the training frames.
        frame: How the environment already preprocessed its frames; None where it gives its own
            frames, which are then preprocessed as the encoder's card says.

    Raises ArtifactError if the environment's frames are not those the encoder was trained on.
    """

    def __init__(
        self, encoder: Encoder | str | Path, whiten: bool, frame: FrameConfig | None
    ) -> None:
        self.encoder = encoder if isinstance(encoder, Encoder) else Encoder.load(encoder)
        self._whiten = whiten
        self._is_raw = frame is None
        if frame is not None:
            self.encoder.card.check_frame(frame, "this environment")

    @property
    def space(self) -> spaces.Box:
        """The space of one latent vector (Z,)."""
        return spaces.Box(-np.inf, np.inf, (self.encoder.latents,), np.float32)

    def check_space(self, space: gym.Space[Any], image_key: str | None) -> None:
        """Raise ArtifactError unless observations of `space` hold the frames that are encoded here.

        Args:
            image_key: Of a Dict, the key of the frame.
        """
        image, card = image_space(space, image_key), self.encoder.card
        shape = card.source_shape if self._is_raw else card.frame.shape
        is_image = isinstance(image, spaces.Box) and image.dtype == np.uint8
        if not (is_image and image.shape == tuple(shape)):
            where = "" if image_key is None else f" under {image_key!r}"
            shown = " ".join(str(image).split())  # the bounds of a long vector take several lines
            raise ArtifactError(
                f"the encoder was trained on {card.env_id} with frames of {tuple(shape)} uint8, "
                f"this environment shows {shown}{where}; {REMEDY}"
            )

    def __call__(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What `preprocess` gave, as many frames as the encoder reads: (B, H, W, n C) -> (B, Z)."""
        latents = self.encoder.encode(inputs)
        return self.encoder.whiten(latents) if self._whiten else latents

    def preprocess(self, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(B, H0, W0, C0) or, already preprocessed, (B, H, W, C) uint8 -> (B, H, W, C)."""
        if not self._is_raw:
            return frames
        card = self.encoder.card
        if frames.shape[1:] != card.source_shape:
            raise ArtifactError(
                f"the encoder was trained on {card.env_id} with frames of {card.source_shape}, "
                f"this environment gives {frames.shape[1:]}"
            )
        return preprocess_batch(frames, card.frame)


class LatentStacks:
    """Frames of N environments, step by step -> the last `stack` latents of each.

    Keeps the frames an encoder of several needs, and encodes each input once, all in one batch.
    """

    def __init__(self, encode: FrameEncoder, stack: int) -> None:
        self._encode = encode
        self._frames, self._latents = History(encode.encoder.stack), History(stack)
        self.newest_inputs: NDArray[np.uint8] | None = None
        """What was encoded of the last step, without final observations, (N, H, W, n C)."""

    def push(
        self, frames: NDArray[np.uint8], episode_start: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """`step` for those who need no final observations."""
        return self.step(frames, episode_start)[0]

    def begin(
        self, frames: NDArray[np.uint8], episode_start: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """`push` of those alone whose episode begins between two steps; the others stay."""
        self.newest_inputs = self._frames.begin(self._encode.preprocess(frames), episode_start)
        latents = np.zeros((len(frames), self._encode.encoder.latents), np.float32)
        latents[episode_start] = self._encode(self.newest_inputs[episode_start])
        return self._latents.begin(latents, episode_start)

    def step(
        self,
        frames: NDArray[np.uint8],
        episode_start: NDArray[np.bool_],
        last_frames: Sequence[NDArray[np.uint8]] = (),
        ended: NDArray[np.intp] = NO_ONE,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """frames (N, ...), episode_start (N,), and of the E episodes that ended, their last frames.

        Returns the observations (N, stack Z), and the final ones of those episodes (E, stack Z).
        """
        newest = self._encode.preprocess(frames)
        if not len(ended):
            self.newest_inputs = self._frames.push(newest, episode_start)
            stacks = self._latents.push(self._encode(self.newest_inputs), episode_start)
            return stacks, stacks[:0]
        # What ended is added to the old stacks, so before they move on.
        last = self._frames.with_last(self._encode.preprocess(np.stack(last_frames)), ended)
        self.newest_inputs = self._frames.push(newest, episode_start)
        codes = self._encode(np.concatenate([self.newest_inputs, last]))
        latents, last_latents = np.split(codes, [len(newest)])
        final = self._latents.with_last(last_latents, ended)
        return self._latents.push(latents, episode_start), final


class LatentObservation(gym.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """One environment seen through an encoder: Box (stack x Z,) float32.

    Args:
        env: Observes frames, or a Dict with a frame under `image_key`, which is replaced.
        encoder: An `Encoder`, or the folder of one.
        stack: How many latents, the newest last, make one observation; each is encoded once.
        whiten: See `FrameEncoder`.
        image_key: Of a Dict, the key of the frame.

    Raises ArtifactError if the encoder is missing, or was trained on other frames than `env`'s.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        encoder: Encoder | str | Path,
        stack: int = 4,
        whiten: bool = True,
        image_key: str | None = None,
    ) -> None:
        # Not copied: an encoder that was given as an object is shared, not multiplied.
        arguments = {"encoder": encoder, "stack": stack, "whiten": whiten, "image_key": image_key}
        RecordConstructorArgs.__init__(self, _disable_deepcopy=True, **_without_paths(arguments))
        super().__init__(env)
        frame = (
            env.get_wrapper_attr("frame_config") if env.has_wrapper_attr("frame_config") else None
        )
        encode = FrameEncoder(encoder, whiten, frame)
        encode.check_space(env.observation_space, image_key)
        self._stacks = LatentStacks(encode, stack)
        self._image_key, self._is_episode_start = image_key, True
        space = stacked_space(encode.space, stack)
        self.observation_space = replace_image_space(env.observation_space, image_key, space)

    @classmethod
    def wrapper_spec(cls, **kwargs: Any) -> WrapperSpec:
        """For `additional_wrappers` of `gymnasium.register`: the arguments but for `env`."""
        return super().wrapper_spec(**_without_paths(kwargs))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self._is_episode_start = True
        return super().reset(seed=seed, options=options)

    def observation(self, observation: Any) -> Any:
        frame = image_of(observation, self._image_key)
        stacks, _ = self._stacks.step(frame[None], np.array([self._is_episode_start]))
        self._is_episode_start = False
        # What is beside the frame may be the environment's own, to be overwritten.
        beside = observation if self._image_key is None else deepcopy(observation)
        return with_image(beside, self._image_key, stacks[0])


class LatentVectorObservation(StackedVectorObservation):
    """N environments seen through an encoder: (N, stack x Z) float32, one batch per step.

    Arguments as `LatentObservation`; the environments may reset in any way, SAME_STEP, NEXT_STEP
    (Gymnasium's default) or DISABLED: see `StackedVectorObservation`. A final observation is
    encoded wherever it is shown, and a stack never holds frames of two episodes. Environments that
    give one array again and again have to be those of `make_env`, which copies: Gymnasium's own
    vector environments would show their last frame overwritten.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        encoder: Encoder | str | Path,
        stack: int = 4,
        whiten: bool = True,
        image_key: str | None = None,
    ) -> None:
        self._encode = FrameEncoder(encoder, whiten, frame_config_of(env))
        self._encode.check_space(env.single_observation_space, image_key)
        super().__init__(env, stack, image_key)

    @property
    def newest_inputs(self) -> NDArray[np.uint8] | None:
        """What the encoder was given of the last step, (N, H, W, n C); later steps leave it be."""
        return self._stacks.newest_inputs

    def _feature_space(self) -> spaces.Box:
        return self._encode.space

    def _forget(self) -> None:
        self._stacks = LatentStacks(self._encode, self._stack)

    def _begin(self, frames: NDArray[Any], episode_start: NDArray[np.bool_]) -> NDArray[Any]:
        return self._stacks.begin(frames, episode_start)

    def _advance(self, *frames_of_a_step: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        return self._stacks.step(*frames_of_a_step)


def frame_config_of(env: VectorEnv[Any, Any, Any]) -> FrameConfig | None:
    """How `make_vec` or, in a vector environment of Gymnasium's, `make_env` preprocessed frames.

    None for an environment of another maker.
    """
    layer: Any = env
    while layer is not None and "frame_config" not in vars(layer):
        layer = vars(layer).get("env")
    if layer is not None:
        return layer.frame_config  # type: ignore[no-any-return]
    inner = env.unwrapped
    if not isinstance(inner, SyncVectorEnv | AsyncVectorEnv):
        return None
    # Asked for first: an attribute that is missing ends the workers.
    known = all(inner.call("has_wrapper_attr", "frame_config"))
    return inner.get_attr("frame_config")[0] if known else None


def _without_paths(arguments: dict[str, Any]) -> dict[str, Any]:
    """`arguments` as `EnvSpec.to_json` can write them."""
    paths = {name: str(value) for name, value in arguments.items() if isinstance(value, Path)}
    return {**arguments, **paths}
