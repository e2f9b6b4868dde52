"""Observes latents and what latent dynamics remember, as an agent does in a dream and in reality.

The memory is advanced by the actions that were taken, whatever the policy had chosen.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.autoencoders.encoder import folder_of
from worldvae.dynamics.actions import PolicyActions
from worldvae.dynamics.checkpoint import check_encoder, check_steps, load_dynamics
from worldvae.dynamics.dynamics_files import DynamicsCard
from worldvae.dynamics.key_units import standardised
from worldvae.dynamics.state import DynamicsState
from worldvae.envs.actions import agent_actions, agent_space
from worldvae.errors import ArtifactError, ConfigError
from worldvae.hub.download import local_folder
from worldvae.wrappers.latent_observer import FrameEncoder, LatentObserver
from worldvae.wrappers.observer import NO_INDICES, Moment

Floats = NDArray[np.float32]


class MemoryEncoder:
    """Turns latents, keys and actions of N environments into the memory that an agent observes.

    Args:
        dynamics: The folder of latent dynamics, or an address on the hub: hf://USER/NAME.
        encode: The encoder of the frames, with whitened latents.
        actions: The action space of one environment.
        steps: The environment steps in one decision; None if that is not known.

    Raises ArtifactError if the dynamics are missing, were trained on the latents of another
    encoder, for other actions, or for decisions of other steps; ConfigError if latents are not
    whitened.
    """

    def __init__(
        self,
        dynamics: str | Path,
        encode: FrameEncoder,
        actions: spaces.Space[Any],
        steps: int | None,
    ) -> None:
        self.folder = local_folder(dynamics, "dynamics")
        self._device = torch.device(encode.encoder.device)
        self._model, self.card = load_dynamics(self.folder, encode.encoder.device)
        self._actions = actions
        _check_encoder(self.card, self.folder, encode)
        _check_actions(self.card, self.folder, actions)
        if steps is None:
            _warn_of_steps(self.card, self.folder)
        else:
            check_steps(self.card, self.folder, steps, "this environment")

    @property
    def size(self) -> int:
        """M, the length of the memory."""
        return self._model.memory_size

    @property
    def num_parameters(self) -> int:
        """The number of weights of the dynamics."""
        return sum(weight.numel() for weight in self._model.parameters())

    def check_space(self, space: gym.Space[Any], image_key: str | None) -> None:
        """Raise ArtifactError unless observations of `space` hold the keys that dynamics read."""
        shown = space.spaces if isinstance(space, spaces.Dict) and image_key is not None else {}
        for key in self.card.keys:
            part = shown.get(key.name)
            if not (isinstance(part, spaces.Box) and part.shape == (key.size,)):
                what = "no such key" if part is None else str(part)
                raise ArtifactError(
                    f"{self.folder}: its dynamics read the key {key.name!r}, {key.size} numbers; "
                    f"this environment shows {what}; make it with worldvae.envs.make_env or "
                    "make_vec, and name image_key"
                )

    @torch.inference_mode()
    def observe(
        self,
        state: DynamicsState | None,
        latents: Floats,
        moment: Moment,
        episode_start: NDArray[np.bool_],
    ) -> DynamicsState:
        """Return the state after a moment of N environments, whose latents are (N, Z).

        The memory of environments that begin an episode, `episode_start` (N,), is the initial one;
        that of the others is advanced by their last actions.
        """
        code = torch.from_numpy(self._codes(latents, moment.keys)).to(self._device)
        if state is None:
            state, episode_start = self._model.initial(len(latents)), np.ones(len(latents), bool)
        actions = torch.zeros(len(latents), self.card.actions.size, device=self._device)
        if moment.actions is not None:
            taken = self.card.actions.encode(agent_actions(moment.actions, self._actions))
            actions = torch.from_numpy(taken).to(self._device)
        starts = torch.from_numpy(np.array(episode_start, bool)).to(self._device)
        return self._model.observe(state, code, actions, starts)

    @torch.inference_mode()
    def memory(self, state: DynamicsState) -> Floats:
        """Return the memory that agents observe: (N, M)."""
        memory: Floats = self._model.memory(state).float().cpu().numpy()
        return memory

    def _codes(self, latents: Floats, keys: Mapping[str, NDArray[Any]]) -> Floats:
        """Return latents and standardised keys, joined: (N, D)."""
        missing = [key.name for key in self.card.keys if key.name not in keys]
        if missing:
            raise ArtifactError(
                f"{self.folder}: its dynamics read {', '.join(missing)} beside the frame, which "
                "this environment does not show"
            )
        others = standardised(keys, self.card.keys, len(latents))
        return np.concatenate([latents, others], axis=1)


class MemoryObserver(LatentObserver):
    """Observes the latents and the memory of N environments: (N, Z + M).

    The memory holds the past, so that there is no stack. A final observation has the latents of the
    last frame, and the memory after the last action of the episode that ended.
    """

    def __init__(self, encode: FrameEncoder, remember: MemoryEncoder) -> None:
        self.remember = remember
        super().__init__(encode, stack=1)

    def forget(self) -> None:
        super().forget()
        self._state: DynamicsState | None = None

    @property
    def num_parameters(self) -> int:
        return super().num_parameters + self.remember.num_parameters

    def check_space(self, space: gym.Space[Any], image_key: str | None) -> None:
        super().check_space(space, image_key)
        self.remember.check_space(space, image_key)

    def feature_space(self, shown: gym.Space[Any]) -> spaces.Box:
        size = self.encode.encoder.latents + self.remember.size
        return spaces.Box(-np.inf, np.inf, (size,), np.float32)

    def begin(self, moment: Moment, episode_start: NDArray[np.bool_]) -> Floats:
        latents = super().begin(moment, episode_start)
        begun = self.remember.observe(self._state, latents, moment, episode_start)
        if self._state is not None:
            starts = torch.from_numpy(np.array(episode_start, bool)).to(begun.code.device)
            begun = begun.where(starts, self._state)
        self._state = begun
        return self._observation(latents, begun)

    def step(
        self,
        moment: Moment,
        episode_start: NDArray[np.bool_],
        last: Moment | None = None,
        ended: NDArray[np.intp] = NO_INDICES,
    ) -> tuple[Floats, Floats]:
        latents, last_latents = super().step(moment, episode_start, last, ended)
        final = np.empty((0, latents.shape[1] + self.remember.size), np.float32)
        if last is not None and self._state is not None:
            before = self._state.rows(torch.from_numpy(ended).to(self._state.code.device))
            goes_on = np.zeros(len(ended), bool)
            after = self.remember.observe(before, last_latents, last, goes_on)
            final = self._observation(last_latents, after)
        self._state = self.remember.observe(self._state, latents, moment, episode_start)
        return self._observation(latents, self._state), final

    def _observation(self, latents: Floats, state: DynamicsState) -> Floats:
        return np.concatenate([latents, self.remember.memory(state)], axis=1)


STACK = 4
"""How many latents an observation without dynamics holds, unless another number is given."""


def latent_observer(
    encode: FrameEncoder,
    stack: int | None,
    dynamics: str | Path | None,
    actions: spaces.Space[Any],
    steps: int | None,
) -> LatentObserver:
    """Return the observer of the last latents, or of latents and memory if there are dynamics.

    `steps` are those of the environment in one decision; None if that is not known.

    Raises ConfigError for a stack beside dynamics, and what `MemoryEncoder` raises. Warns of an
    environment that is to be played and does not take the actions of agents of dreams; reading
    actions that were recorded in it, as `MemoryEncoder` does, is right all the same.
    """
    if dynamics is None:
        return LatentObserver(encode, STACK if stack is None else stack)
    if stack not in {None, 1}:
        raise ConfigError(
            f"stack = {stack}: with dynamics the memory holds the past; leave stack out, or set 1"
        )
    remember = MemoryEncoder(dynamics, encode, actions, steps)
    _warn_of_actions(remember.folder, actions)
    return MemoryObserver(encode, remember)


def _check_encoder(card: DynamicsCard, folder: Path, encode: FrameEncoder) -> None:
    if not encode.whitens:
        raise ConfigError("dynamics read whitened latents: set whiten to true")
    check_encoder(card, folder, folder_of(encode.encoder))


def _warn_of_steps(card: DynamicsCard, folder: Path) -> None:
    if card.action_repeat > 1:
        warnings.warn(
            f"{folder}: its dynamics know decisions of {card.action_repeat} steps, and how many "
            "this environment takes is not known; make it with worldvae.envs.make_env or make_vec, "
            "or repeat each action with worldvae.envs.wrappers.ActionRepeat",
            stacklevel=4,
        )


def _check_actions(card: DynamicsCard, folder: Path, actions: spaces.Space[Any]) -> None:
    # A dream shows the same space in float32, and of floats where reality takes whole numbers.
    if PolicyActions.of(actions).space != card.actions.space:
        raise ArtifactError(
            f"{folder}: its dynamics know the actions {card.actions.space}, this environment has "
            f"{actions}; use the environment they were trained in, {card.env_id}"
        )


def _warn_of_actions(folder: Path, actions: spaces.Space[Any]) -> None:
    acted_in = agent_space(actions)
    if acted_in != actions:
        warnings.warn(
            f"this environment takes {actions}, and agents of dreams ({folder}) act in {acted_in}; "
            "make it with worldvae.envs.make_env or make_vec, which convert their actions",
            stacklevel=4,
        )
