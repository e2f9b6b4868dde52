"""Gymnasium wrappers that put a frozen encoder between an environment and its agent.

The same frame gives the same latent in all of them, terminal observations included. They take
the path of an encoder, so that a line of YAML can name them, or an `Encoder`.
"""

from __future__ import annotations

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
from worldvae.envs.vector import image_of, image_space, with_image
from worldvae.errors import ArtifactError
from worldvae.wrappers.history import History
from worldvae.wrappers.observer import NO_ONE, Moment, Observer
from worldvae.wrappers.stack import ObservedVectorEnv, observed_space

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


class LatentObserver(Observer):
    """The last `stack` latents of N environments, each frame encoded once.

    The encoder gets all that is to be encoded of a step in one batch, final observations included;
    the frames that an encoder of several needs are kept here.
    """

    def __init__(self, encode: FrameEncoder, stack: int) -> None:
        self.encode = encode
        super().__init__(stack)

    def forget(self) -> None:
        super().forget()
        self._frames = History(self.encode.encoder.stack)
        self.newest_inputs: NDArray[np.uint8] | None = None
        """What was encoded of the last step, without final observations, (N, H, W, n C)."""

    def feature_space(self, shown: gym.Space[Any]) -> spaces.Box:
        return self.encode.space

    def codes(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The latents that are stacked, of as many frames as the encoder reads: -> (B, Z)."""
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
        ended: NDArray[np.intp] = NO_ONE,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        newest = self.encode.preprocess(moment.frames)
        if last is None:
            self.newest_inputs = self._frames.push(newest, episode_start)
            stacks = self._history.push(self.codes(self.newest_inputs), episode_start)
            return stacks, stacks[:0]
        # What ended is added to the old stacks, so before they move on.
        last_inputs = self._frames.with_last(self.encode.preprocess(last.frames), ended)
        self.newest_inputs = self._frames.push(newest, episode_start)
        codes = self.codes(np.concatenate([self.newest_inputs, last_inputs]))
        latents, last_latents = np.split(codes, [len(newest)])
        final = self._history.with_last(last_latents, ended)
        return self._history.push(latents, episode_start), final


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
        self._observer = LatentObserver(encode, stack)
        self._image_key, self._is_episode_start = image_key, True
        self.observation_space = observed_space(env.observation_space, self._observer, image_key)

    @classmethod
    def wrapper_spec(cls, **kwargs: Any) -> WrapperSpec:
        """For `additional_wrappers` of `gymnasium.register`: the arguments but for `env`."""
        return super().wrapper_spec(**_without_paths(kwargs))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self._is_episode_start = True
        return super().reset(seed=seed, options=options)

    def observation(self, observation: Any) -> Any:
        frame = image_of(observation, self._image_key)
        moment = Moment(frame[None])
        stacks, _ = self._observer.step(moment, np.array([self._is_episode_start]))
        self._is_episode_start = False
        # What is beside the frame may be the environment's own, to be overwritten.
        beside = observation if self._image_key is None else deepcopy(observation)
        return with_image(beside, self._image_key, stacks[0])


class LatentVectorObservation(ObservedVectorEnv):
    """N environments seen through an encoder: (N, stack x Z) float32, one batch per step.

    Arguments as `LatentObservation`; the environments may reset in any way, SAME_STEP, NEXT_STEP
    (Gymnasium's default) or DISABLED: see `ObservedVectorEnv`. A final observation is
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
        encode = FrameEncoder(encoder, whiten, frame_config_of(env))
        encode.check_space(env.single_observation_space, image_key)
        super().__init__(env, LatentObserver(encode, stack), image_key)


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
