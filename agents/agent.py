"""A trained agent on disk and in play: observations of an environment in, actions out."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from stable_baselines3 import PPO

from agents.experiment import ArmName
from worldvae.autoencoders import Encoder, hash_encoder
from worldvae.config import Config, UserError
from worldvae.envs import EnvConfig
from worldvae.envs.vector import image_of, with_image
from worldvae.files import atomic_write_bytes, atomic_write_text, user_errors
from worldvae.history import History
from worldvae.latent import FrameEncoder, LatentStacks


class AgentCard(Config):
    """What belongs to the weights beside it; names them, so that both change at once."""

    arm: ArmName = Field(description="What the agent sees.")
    seed: int = Field(description="Of its training.")
    env: EnvConfig = Field(description="The environment it was trained in.")
    stack: int = Field(description="Frames or latents in one observation.")
    whiten: bool = Field(description="Whether its latents are whitened.")
    encoder: str | None = Field(description="Folder of its encoder, relative to the agent's.")
    encoder_sha256: str | None = Field(description="Hash of that encoder.")
    model: str = Field("", description="File of the weights, Stable-Baselines3's zip.")
    model_sha256: str = Field("", description="Hash of that file.")
    env_steps: int = Field(0, description="Environment steps trained so far.")
    seconds: float = Field(0.0, description="Seconds trained so far, evaluations not counted.")
    return_mean: float = Field(0.0, description="Running mean of the discounted return.")
    return_var: float = Field(1.0, description="Its running variance, which scales rewards.")
    return_count: float = Field(1e-4, description="Returns behind both.")


class Agent:
    """A policy and the eyes it was trained with; a `Policy` of `worldvae.rollouts`."""

    def __init__(
        self,
        model: PPO,
        stack: int,
        encode: FrameEncoder | None,
        image_key: str | None = None,
        deterministic: bool = True,
    ) -> None:
        self.model, self.encode, self.deterministic = model, encode, deterministic
        self._image_key, self._stack = image_key, stack
        self.begin()

    @classmethod
    def load(cls, folder: Path, env: EnvConfig | None = None, deterministic: bool = True) -> Agent:
        """The agent in `folder`; UserError if it is missing, damaged or met by another encoder.

        With `env` also if it was trained on another task than that one.
        """
        card = read_card(folder)
        if env is not None and (difference := card.env.other_task(env)):
            raise UserError(f"{folder}: trained on another task than this config's: {difference}")
        model = load_model(folder, card)
        encode = None if card.encoder is None else checked_eyes(folder, card)
        return cls(model, card.stack, encode, card.env.image_key, deterministic)

    def __call__(self, obs: Any, starting: NDArray[np.bool_]) -> NDArray[Any]:
        """Observations of N environments, starting (N,): who begins an episode -> (N, ...)."""
        stacks = self._memory.push(image_of(obs, self._image_key), starting)
        seen = with_image(obs, self._image_key, stacks)
        actions, _ = self.model.predict(seen, deterministic=self.deterministic)
        return actions

    def begin(self) -> Agent:
        """Forget what was seen, to play with another number of environments."""
        memory: History | LatentStacks = History(self._stack)
        if self.encode is not None:
            memory = LatentStacks(self.encode, self._stack)
        self._memory = memory
        return self


def save_agent(folder: Path, model: PPO, card: AgentCard) -> AgentCard:
    """Write weights under a new name, then the card that points to them, then drop the old ones."""
    buffer = io.BytesIO()
    model.save(buffer)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    card = card.model_copy(update={"model": f"model_{card.env_steps}.zip", "model_sha256": digest})
    atomic_write_bytes(folder / card.model, buffer.getvalue())
    atomic_write_text(folder / "card.json", card.model_dump_json(by_alias=True, indent=1))
    for old in folder.glob("model_*.zip"):
        if old.name != card.model:
            old.unlink()
    return card


def read_card(folder: Path) -> AgentCard:
    """The card of the agent in `folder`."""
    path = folder / "card.json"
    try:
        return AgentCard.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UserError(
            f"{folder}: no agent here; train one with python -m scripts.train CONFIG --arm latent"
        ) from None
    except (OSError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: damaged ({reason}); remove {folder} and train again") from None


def load_model(folder: Path, card: AgentCard, device: str = "cpu", **arguments: Any) -> PPO:
    """The weights that `card` names.

    Stable-Baselines3's zip is unpickled, which runs whatever is in it: so only a file with the
    hash of its card is opened. That guards against damage and mix-ups, not against an attacker
    who writes both: load agents of people you trust.
    """
    path = folder / card.model
    with user_errors(path):
        data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != card.model_sha256:
        raise UserError(f"{path}: not the weights of card.json; remove {folder} and train again")
    return PPO.load(io.BytesIO(data), device=device, **arguments)


def checked_eyes(folder: Path, card: AgentCard) -> FrameEncoder:
    """The encoder that the agent was trained with; UserError if another lies in its place."""
    path = (folder / str(card.encoder)).resolve()
    if hash_encoder(path) != card.encoder_sha256:
        raise UserError(
            f"{path}: not the encoder that the agent in {folder} was trained with; "
            "put that one back, or remove the agent and train it again"
        )
    return FrameEncoder(Encoder.load(path), card.whiten, card.env.frame)
