"""What a playing agent is given to see, step by step; equal to what its training environment gave.

`look` turns the observations of N environments into those of the policy, `acted` tells what was
done with them.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.running_mean_std import RunningMeanStd

from worldvae.envs.vector import image_of, with_image
from worldvae.errors import ConfigError
from worldvae.wrappers.history import History
from worldvae.wrappers.latent import FrameEncoder, LatentStacks
from worldvae.wrappers.state import action_size, encode_actions, known_state

CLIP = 10.0
"""Deviations at which Stable-Baselines3's VecNormalize cuts observations, as `normalized` does."""

EPSILON = 1e-8


class Eyes(Protocol):
    """What differs between the arms of a comparison, in play."""

    encode: FrameEncoder | None
    """What turns frames into latents, where the agent sees latents."""

    def begin(self) -> None:
        """Forget what was seen, to play with another number of environments."""

    def look(
        self, obs: Any, episode_start: NDArray[np.bool_], state: NDArray[np.float64] | None
    ) -> Any:
        """obs of N environments, episode_start (N,), state (N, S) -> what the policy is given."""

    def acted(self, actions: NDArray[Any]) -> None:
        """(N, ...), what the policy did in them."""


class ImageEyes:
    """The last `stack` frames, or their latents."""

    def __init__(
        self, stack: int, image_key: str | None = None, encode: FrameEncoder | None = None
    ) -> None:
        self.encode = encode
        self._stack, self._image_key = stack, image_key
        self.begin()

    def begin(self) -> None:
        memory: History | LatentStacks = History(self._stack)
        self._memory = memory if self.encode is None else LatentStacks(self.encode, self._stack)

    def look(
        self, obs: Any, episode_start: NDArray[np.bool_], state: NDArray[np.float64] | None
    ) -> Any:
        stacks = self._memory.push(image_of(obs, self._image_key), episode_start)
        return with_image(obs, self._image_key, stacks)

    def acted(self, actions: NDArray[Any]) -> None:
        pass


class StateEyes:
    """The last `stack` true states in the units of training, no frame."""

    encode: FrameEncoder | None = None

    def __init__(self, stack: int, units: RunningMeanStd, image_key: str | None = None) -> None:
        self._stack, self._units, self._image_key = stack, units, image_key
        self.begin()

    def begin(self) -> None:
        self._memory = History(self._stack)

    def look(
        self, obs: Any, episode_start: NDArray[np.bool_], state: NDArray[np.float64] | None
    ) -> Any:
        if state is None:
            raise ConfigError(
                "the state arm's agent needs the true state, which this backend does not show; "
                "use env.backend: gymnasium, and an environment with a state reader"
            )
        stacks = self._memory.push(known_state(state), episode_start)
        return with_image(obs, self._image_key, normalized(stacks, self._units))

    def acted(self, actions: NDArray[Any]) -> None:
        pass


class BlindEyes:
    """The last `stack` actions of the agent itself."""

    encode: FrameEncoder | None = None

    def __init__(self, stack: int, space: spaces.Space[Any]) -> None:
        self._stack, self._space = stack, space
        self.begin()

    def begin(self) -> None:
        self._memory = History(self._stack)
        self._acted: NDArray[np.float32] | None = None

    def look(
        self, obs: Any, episode_start: NDArray[np.bool_], state: NDArray[np.float64] | None
    ) -> Any:
        nothing = np.zeros((len(episode_start), action_size(self._space)), np.float32)
        acted = nothing if self._acted is None else self._acted
        return self._memory.push(np.where(episode_start[:, None], nothing, acted), episode_start)

    def acted(self, actions: NDArray[Any]) -> None:
        self._acted = encode_actions(actions, self._space)


def normalized(obs: NDArray[np.float32], units: RunningMeanStd) -> NDArray[np.float32]:
    """As VecNormalize does in training, but without learning from it: (N, D) -> (N, D)."""
    scaled = (obs - units.mean) / np.sqrt(units.var + EPSILON)
    return np.clip(scaled, -CLIP, CLIP).astype(np.float32)
