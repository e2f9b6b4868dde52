"""A trained agent in play: observations of an environment in, actions out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm

from agents.arms.build import FROZEN, make_eyes
from agents.arms.observers import Eyes
from agents.policy.card import AgentCard, own_encoder, read_card, saved_units
from agents.policy.checkpoint import load_model
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.envs import EnvConfig
from worldvae.errors import ArtifactError
from worldvae.wrappers.latent import FrameEncoder


class Agent:
    """A policy and the eyes it was trained with; a `Policy` of `worldvae.rollouts`."""

    def __init__(self, model: BaseAlgorithm, eyes: Eyes, deterministic: bool = True) -> None:
        self.model, self.eyes, self.deterministic = model, eyes, deterministic
        self.seen: Any = None
        """What the policy was given last, of N environments."""
        self._memory: tuple[NDArray[Any], ...] | None = None
        """Of a recurrent policy."""
        self.begin()

    @classmethod
    def load(cls, folder: Path, env: EnvConfig | None = None, deterministic: bool = True) -> Agent:
        """The agent in `folder`; ArtifactError if it is missing, damaged or met by another encoder.

        With `env` also if it was trained on another task than that one.
        """
        card = read_card(folder)
        if env is not None and (difference := card.env.other_task(env)):
            raise ArtifactError(
                f"{folder}: trained on another task than this config's: {difference}"
            )
        model = load_model(folder, card)
        eyes = make_eyes(
            card.arm,
            card.stack,
            card.env.image_key,
            checked_encoder(folder, card) if card.arm in FROZEN else None,
            space=model.action_space,
            units=saved_units(card) if card.arm == "state" else None,
        )
        return cls(model, eyes, deterministic)

    @property
    def encode(self) -> FrameEncoder | None:
        """What turns frames into its latents, if it sees latents."""
        return self.eyes.encode

    def __call__(
        self,
        obs: Any,
        episode_start: NDArray[np.bool_],
        state: NDArray[np.float64] | None = None,
    ) -> NDArray[Any]:
        """Observations of N environments, episode_start (N,): who begins an episode -> (N, ...).

        `state` (N, S), the true state, is for the state arm.
        """
        self.seen = self.eyes.look(obs, episode_start, state)
        actions, self._memory = self.model.predict(
            self.seen, self._memory, episode_start, deterministic=self.deterministic
        )
        self.eyes.acted(actions)
        return actions

    def begin(self) -> Agent:
        """Forget what was seen, to play with another number of environments."""
        self._memory = None
        self.eyes.begin()
        return self


def checked_encoder(folder: Path, card: AgentCard) -> FrameEncoder:
    """The encoder that the agent was trained with; ArtifactError if another lies in its place."""
    path = own_encoder(folder, card)
    if hash_encoder(path) != card.encoder_sha256:
        raise ArtifactError(
            f"{path}: not the encoder that the agent in {folder} was trained with; "
            "put that one back, or remove the agent and train it again"
        )
    return FrameEncoder(Encoder.load(path), card.whiten, card.env.frame)
