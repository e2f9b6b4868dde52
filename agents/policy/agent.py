"""A trained agent that acts: observations of environments in, actions out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import DQN
from stable_baselines3.common.base_class import BaseAlgorithm

from agents.arms.build import make_observer
from agents.arms.observers import ObserverInputs
from agents.arms.registry import ARMS, Arm
from agents.policy.checkpoint import load_model
from agents.policy.normalization import saved_units
from agents.run.agent_card import AgentCard, own_dynamics, own_encoder, read_card
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.dynamics.checkpoint import hash_dynamics
from worldvae.envs import EnvConfig
from worldvae.errors import ArtifactError
from worldvae.hub.download import local_folder
from worldvae.wrappers.latent_observer import FrameEncoder, LatentObserver
from worldvae.wrappers.memory import MemoryEncoder
from worldvae.wrappers.observer import Moment, Observer, StackedObserver
from worldvae.wrappers.stack import observed


class Agent:
    """A policy and its observer; implements the `Policy` protocol of `worldvae.rollouts`.

    Args:
        model: The policy.
        arm: The row of its arm.
        observer: The observer that it was trained with, without any past.
        image_key: The key of the image in a Dict observation.
        deterministic: Take the mode of the policy instead of sampling from it.
    """

    def __init__(
        self,
        model: BaseAlgorithm,
        arm: Arm,
        observer: Observer,
        image_key: str | None = None,
        deterministic: bool = True,
    ) -> None:
        self.model, self.arm, self.observer = model, arm, observer
        self.deterministic = deterministic
        self.seen: Any = None
        """The policy's last input, from N environments."""
        self._image_key = image_key
        self._recurrent_state: tuple[NDArray[Any], ...] | None = None
        """The state of a recurrent policy."""
        self._last_actions: NDArray[Any] | None = None

        self.begin()

    @classmethod
    def load(
        cls,
        folder: str | Path,
        env: EnvConfig | None = None,
        deterministic: bool = True,
        trust: bool = False,
    ) -> Agent:
        """Load the agent in `folder`; ArtifactError if it or its encoder is missing or damaged.

        The error is also raised if its encoder is not the one it was trained with, or if it was
        trained on another task than `env`.

        Args:
            folder: Its folder, or an address on the hub: hf://USER/NAME.
            trust: Whether an agent on the hub may be fetched. It is unpickled, which runs any code
                of its author; without trust that is a ConfigError.
        """
        folder = local_folder(folder, "agent", trust)
        card = read_card(folder)
        if env is not None and (difference := card.env.other_task(env)):
            raise ArtifactError(
                f"{folder}: trained on another task than this config's: {difference}"
            )
        model, arm = load_model(folder, card), ARMS[card.arm]
        encode, remember, actions, repeat = None, None, model.action_space, card.env.action_repeat
        if arm.freezes_encoder:
            encoder = checked_encoder(folder, card)
            encode = FrameEncoder(encoder, card.whiten, card.env.frame, repeat)
        if encode is not None and arm.has_memory:
            remember = MemoryEncoder(checked_dynamics(folder, card), encode, actions, repeat)
        inputs = ObserverInputs(card.stack, actions, encode, remember, saved_units(card))
        observer = make_observer(arm, inputs)
        return cls(model, arm, observer, card.env.image_key, deterministic)

    def in_dreams(self) -> Agent:
        """Return the same policy for dreams, which show what reality needs the observer for."""
        seen = StackedObserver(1)
        return Agent(self.model, self.arm, seen, self._image_key, self.deterministic)

    @property
    def frozen_parameters(self) -> int:
        """The weights that its observations use and that it does not train."""
        if not isinstance(self.observer, LatentObserver):
            return 0
        return self.observer.num_parameters

    @property
    def encode(self) -> FrameEncoder | None:
        """The function from frames to latents, None if the agent observes no latents."""
        return self.observer.encode if isinstance(self.observer, LatentObserver) else None

    def __call__(
        self,
        obs: Any,
        episode_start: NDArray[np.bool_],
        state: NDArray[np.float64] | None = None,
    ) -> NDArray[Any]:
        """Observations of N environments -> actions (N, ...).

        Args:
            episode_start: (N,), whether the observation is the first of an episode.
            state: (N, S), the true state, for an arm that observes it.
        """
        moment = Moment.of(obs, self._image_key, self._last_actions, state)
        stacks, _ = self.observer.step(moment, episode_start)
        self.seen = observed(obs, self.observer, self._image_key, stacks)
        self._last_actions = self._choose(episode_start)
        return self._last_actions

    def _choose(self, episode_start: NDArray[np.bool_]) -> NDArray[Any]:
        """Return the actions (N, ...) for what was seen, sampled from torch's generator alone."""
        # DQN itself explores by numpy's generator, and in all N environments at once.
        policy = self.model.policy if isinstance(self.model, DQN) else self.model
        actions, self._recurrent_state = policy.predict(
            self.seen, self._recurrent_state, episode_start, deterministic=self.deterministic
        )
        if isinstance(self.model, DQN) and not self.deterministic:
            actions = explored(actions, self.model)
        return actions

    def took(self, actions: NDArray[Any]) -> None:
        """Note that `actions` (N, ...) were taken instead of those that it chose last."""
        self._last_actions = np.asarray(actions)

    def begin(self) -> Agent:
        """Forget all past observations; the number of environments may change."""
        self._recurrent_state = self._last_actions = None
        self.observer.forget()
        return self


def explored(actions: NDArray[Any], model: DQN) -> NDArray[Any]:
    """Return actions (N,), each replaced by a random one at the model's rate of exploration."""
    assert isinstance(model.action_space, spaces.Discrete)
    explores = torch.rand(len(actions)) < model.exploration_rate
    drawn = torch.randint(int(model.action_space.n), (len(actions),))
    return np.where(explores.numpy(), drawn.numpy(), actions)


def checked_encoder(folder: Path, card: AgentCard) -> Path:
    """Return the encoder that the agent was trained with; ArtifactError if it was replaced."""
    path = own_encoder(folder, card)
    if hash_encoder(path) != card.encoder_sha256:
        raise ArtifactError(
            f"{path}: not the encoder that the agent in {folder} was trained with; "
            "put that one back, or remove the agent and train it again"
        )
    return path


def checked_dynamics(folder: Path, card: AgentCard) -> Path:
    """Return the dynamics that the agent was trained with; ArtifactError if they were replaced."""
    path = own_dynamics(folder, card)
    if hash_dynamics(path) != card.dynamics_sha256:
        raise ArtifactError(
            f"{path}: not the dynamics that the agent in {folder} was trained with; "
            "put those back, or remove the agent and train it again"
        )
    return path
