"""Gymnasium wrappers that put a frozen encoder between an environment and its agent.

The same frame gives the same latent in each wrapper, final observations included. The encoder is
given as an `Encoder`, or as the path of its folder, which a YAML file can name. With the folder of
latent dynamics, agents also observe what these remember.
"""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import WrapperSpec
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv
from gymnasium.wrappers import Autoreset

from worldvae.autoencoders.encoder import Encoder
from worldvae.envs.observations import with_image
from worldvae.envs.vector import check_kind, preparation, prepared
from worldvae.wrappers.latent_observer import FrameEncoder
from worldvae.wrappers.memory import latent_observer
from worldvae.wrappers.observer import Moment
from worldvae.wrappers.stack import ObservedVectorEnv, observed_space


class LatentObservation(gym.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Replaces the frames of one environment by latents: a Box (stack x Z,) float32.

    With dynamics, a Box (Z + M,) of the newest latents and the memory. Where Gymnasium's
    `Autoreset` lies below and begins an episode in a step, stack and memory begin anew, too.

    Args:
        env: An environment that observes frames, or a Dict with a frame under `image_key`.
        encoder: An `Encoder`, or the folder of one.
        stack: How many latents, the newest last, make one observation; each is encoded once. None:
            4, or 1 with dynamics, whose memory holds the past.
        whiten: Shift and scale each latent by its mean and deviation over the training frames.
        image_key: The key of the frame, if observations are a Dict. Only this key is replaced.
        dynamics: The folder of latent dynamics, whose memory is observed beside the latents.

    Raises ArtifactError if the encoder is missing, or was trained on other frames than `env`'s, or
    if the dynamics are missing, or were trained on another encoder, for other actions, or with each
    action repeated another number of times.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        encoder: Encoder | str | Path,
        stack: int | None = None,
        whiten: bool = True,
        image_key: str | None = None,
        dynamics: str | Path | None = None,
    ) -> None:
        # No deep copy: an encoder that was given as an object is shared.
        arguments = {
            **{"encoder": encoder, "stack": stack, "whiten": whiten},
            **{"image_key": image_key, "dynamics": dynamics},
        }
        check_kind(env, gym.Env)
        RecordConstructorArgs.__init__(self, _disable_deepcopy=True, **_without_paths(arguments))
        super().__init__(env)
        frame, steps = preparation(partial(_attribute, env), env.observation_space, image_key)
        encode = FrameEncoder(encoder, whiten, frame, steps)
        self._observer = latent_observer(encode, stack, dynamics, env.action_space, steps)
        self._observer.check_space(env.observation_space, image_key)
        self._image_key, self._is_episode_start = image_key, True
        self._action: Any = None
        self._autoreset = _autoreset_in(env)
        self.observation_space = observed_space(env.observation_space, self._observer, image_key)

    @classmethod
    def wrapper_spec(cls, **kwargs: Any) -> WrapperSpec:
        """Return what `additional_wrappers` of `gymnasium.register` takes.

        `kwargs` are the arguments of this class without `env`.
        """
        return super().wrapper_spec(**_without_paths(kwargs))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self._is_episode_start, self._action = True, None
        return super().reset(seed=seed, options=options)

    def step(self, action: Any) -> Any:
        self._action = np.array(action)[None]
        # Asked before the step, which ignores the action and resets if the last one was an end.
        self._is_episode_start = self._autoreset is not None and self._autoreset.autoreset
        return super().step(action)

    def observation(self, observation: Any) -> Any:
        moment = Moment.of_each([observation], self._image_key, self._action)
        stacks, _ = self._observer.step(moment, np.array([self._is_episode_start]))
        # The environment may overwrite the arrays of the other keys at its next step.
        kept = observation if self._image_key is None else deepcopy(observation)
        return with_image(kept, self._image_key, stacks[0])


class LatentVectorObservation(ObservedVectorEnv):
    """Replaces the frames of N environments by latents: (N, stack x Z) float32.

    With dynamics, by latents and memory: (N, Z + M). Each step encodes one batch. The arguments are
    those of `LatentObservation`. The environments may use any autoreset mode, SAME_STEP, NEXT_STEP
    (Gymnasium's default) or DISABLED: see `ObservedVectorEnv`. Final observations are encoded too,
    and neither a stack nor a memory holds anything of two episodes.

    An environment that returns the same array at each step has to come from `make_env`, which
    copies frames; in Gymnasium's own vector environments its final frame would be overwritten.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        encoder: Encoder | str | Path,
        stack: int | None = None,
        whiten: bool = True,
        image_key: str | None = None,
        dynamics: str | Path | None = None,
    ) -> None:
        check_kind(env, VectorEnv)
        frame, steps = preparation(partial(prepared, env), env.single_observation_space, image_key)
        encode = FrameEncoder(encoder, whiten, frame, steps)
        observer = latent_observer(encode, stack, dynamics, env.single_action_space, steps)
        observer.check_space(env.single_observation_space, image_key)
        super().__init__(env, observer, image_key)


def _attribute(env: gym.Env[Any, Any], name: str) -> Any:
    return env.get_wrapper_attr(name) if env.has_wrapper_attr(name) else None


def _autoreset_in(env: gym.Env[Any, Any]) -> Autoreset[Any, Any] | None:
    """Return the wrapper in `env` that begins the next episode in a step; None if none does."""
    layer: Any = env
    while isinstance(layer, gym.Wrapper):
        if isinstance(layer, Autoreset):
            return layer
        layer = layer.env
    return None


def _without_paths(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return `arguments` with each path as a string, since `EnvSpec.to_json` writes no paths."""
    paths = {name: str(value) for name, value in arguments.items() if isinstance(value, Path)}
    return {**arguments, **paths}
