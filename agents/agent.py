"""A trained agent on disk and in play: observations of an environment in, actions out."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecNormalize

from agents.algorithms import Algorithm, algorithm_class
from agents.arms import FROZEN, make_eyes, state_units
from agents.eyes import Eyes
from agents.sections import ArmName
from worldvae.autoencoders import Encoder, hash_encoder
from worldvae.config import Config, UserError
from worldvae.envs import EnvConfig
from worldvae.files import (
    atomic_file,
    atomic_write_bytes,
    atomic_write_text,
    sha256_file,
    user_errors,
)
from worldvae.latent import FrameEncoder


class AgentCard(Config):
    """What belongs to the weights beside it; names them, so that both change at once."""

    arm: ArmName = Field(description="What the agent sees.")
    algorithm: Algorithm = Field("PPO", description="What trained it.")
    seed: int = Field(description="Of its training.")
    env: EnvConfig = Field(description="The environment it was trained in.")
    stack: int = Field(description="Frames, latents, states or actions in one observation.")
    whiten: bool = Field(description="Whether its latents are whitened.")
    encoder: str | None = Field(description="Folder of the encoder, relative to the agent's own.")
    encoder_sha256: str | None = Field(description="Hash of that encoder.")
    model: str = Field("", description="File of the weights, Stable-Baselines3's zip.")
    model_sha256: str = Field("", description="Hash of that file.")
    replay: str = Field("", description="File of the replay buffer, where it learns from one.")
    replay_sha256: str = Field("", description="Hash of that file.")
    env_steps: int = Field(0, description="Environment steps trained so far.")
    seconds: float = Field(0.0, description="Seconds trained so far, evaluations not counted.")
    cpu_seconds: float = Field(0.0, description="Processor seconds of the same.")
    evaluation_seconds: float = Field(0.0, description="Seconds of the evaluations between.")
    peak_memory: int = Field(0, description="Most bytes in memory, of all its processes.")
    return_mean: float = Field(0.0, description="Running mean of the discounted return.")
    return_var: float = Field(1.0, description="Its running variance, which scales rewards.")
    return_count: float = Field(1e-4, description="Returns behind both.")
    state_mean: tuple[float, ...] = Field((), description="state arm: mean of what it sees.")
    state_var: tuple[float, ...] = Field((), description="Its variance.")
    state_count: float = Field(1e-4, description="Observations behind both.")
    refreshes: int = Field(0, description="Times that its encoder was refitted.")
    refresh_env_steps: int = Field(0, description="Environment steps collected for that.")
    refresh_seconds: float = Field(0.0, description="Seconds of collecting and refitting.")
    refresh_cpu_seconds: float = Field(0.0, description="Processor seconds of the same.")


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
        """The agent in `folder`; UserError if it is missing, damaged or met by another encoder.

        With `env` also if it was trained on another task than that one.
        """
        card = read_card(folder)
        if env is not None and (difference := card.env.other_task(env)):
            raise UserError(f"{folder}: trained on another task than this config's: {difference}")
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
        starting: NDArray[np.bool_],
        state: NDArray[np.float64] | None = None,
    ) -> NDArray[Any]:
        """Observations of N environments, starting (N,): who begins an episode -> (N, ...).

        `state` (N, S), the true state, is for the state arm.
        """
        self.seen = self.eyes.look(obs, starting, state)
        actions, self._memory = self.model.predict(
            self.seen, self._memory, starting, deterministic=self.deterministic
        )
        self.eyes.acted(actions)
        return actions

    def begin(self) -> Agent:
        """Forget what was seen, to play with another number of environments."""
        self._memory = None
        self.eyes.begin()
        return self


def save_agent(folder: Path, model: BaseAlgorithm, card: AgentCard) -> AgentCard:
    """Write weights under a new name, then the card that points to them, then drop the old ones."""
    buffer = io.BytesIO()
    model.save(buffer)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    card = card.model_copy(update={"model": f"model_{card.env_steps}.zip", "model_sha256": digest})
    atomic_write_bytes(folder / card.model, buffer.getvalue())
    card = card.model_copy(update=_save_replay(folder, model, card.env_steps))
    write_card(folder, card)
    drop_others(folder, {card.model, card.replay})
    return card


def write_card(folder: Path, card: AgentCard) -> None:
    """What `read_card` reads."""
    atomic_write_text(folder / "card.json", card.model_dump_json(by_alias=True, indent=1))


def drop_others(folder: Path, kept: set[str]) -> None:
    """Remove the weights and replay buffers of `folder` that are not `kept`."""
    for old in [*folder.glob("model_*.zip"), *folder.glob("replay_*.pkl")]:
        if old.name not in kept:
            old.unlink()


def _save_replay(folder: Path, model: BaseAlgorithm, env_steps: int) -> dict[str, str]:
    """What an algorithm with a replay buffer cannot go on without, and its names for the card."""
    if not isinstance(model, OffPolicyAlgorithm):
        return {}
    path = folder / f"replay_{env_steps}.pkl"
    with atomic_file(path) as file:
        model.save_replay_buffer(file)  # type: ignore[arg-type]
    return {"replay": path.name, "replay_sha256": sha256_file(path)}


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


def load_model(
    folder: Path, card: AgentCard, device: str = "cpu", **arguments: Any
) -> BaseAlgorithm:
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
    kind = algorithm_class(card.algorithm)
    return kind.load(io.BytesIO(data), device=device, **arguments)


def load_replay(folder: Path, card: AgentCard, model: BaseAlgorithm) -> None:
    """Give `model` the replay buffer that `card` names, if it names one; as careful as above."""
    if not card.replay or not isinstance(model, OffPolicyAlgorithm):
        return
    path = folder / card.replay
    if sha256_file(path) != card.replay_sha256:
        raise UserError(f"{path}: not the buffer of card.json; remove {folder} and train again")
    model.load_replay_buffer(path)


def normalization_of(env: VecNormalize | None) -> dict[str, Any]:
    """What `env` has learned of returns, and of the true state where that is seen: for a card."""
    if env is None:
        raise TypeError("rewards are scaled by a VecNormalize; this environment has none")
    returns = env.ret_rms
    learned: dict[str, Any] = {
        "return_mean": float(returns.mean),
        "return_var": float(returns.var),
        "return_count": float(returns.count),
    }
    if env.norm_obs:
        state = state_units(env)
        learned["state_mean"] = tuple(state.mean.tolist())
        learned["state_var"] = tuple(state.var.tolist())
        learned["state_count"] = float(state.count)
    return learned


def restore_normalization(env: VecNormalize, card: AgentCard) -> None:
    """The opposite of `normalization_of`."""
    env.ret_rms.mean, env.ret_rms.var = np.array(card.return_mean), np.array(card.return_var)
    env.ret_rms.count = card.return_count
    if env.norm_obs:
        state, saved = state_units(env), saved_units(card)
        state.mean, state.var, state.count = saved.mean, saved.var, saved.count


def saved_units(card: AgentCard) -> RunningMeanStd:
    """Mean and variance of what the state arm sees."""
    units = RunningMeanStd(shape=(len(card.state_mean),))
    units.mean, units.var = np.array(card.state_mean), np.array(card.state_var)
    units.count = card.state_count
    return units


def own_encoder(folder: Path, card: AgentCard) -> Path:
    """Where the encoder of the agent in `folder` lies."""
    return (folder / str(card.encoder)).resolve()


def checked_encoder(folder: Path, card: AgentCard) -> FrameEncoder:
    """The encoder that the agent was trained with; UserError if another lies in its place."""
    path = own_encoder(folder, card)
    if hash_encoder(path) != card.encoder_sha256:
        raise UserError(
            f"{path}: not the encoder that the agent in {folder} was trained with; "
            "put that one back, or remove the agent and train it again"
        )
    return FrameEncoder(Encoder.load(path), card.whiten, card.env.frame)
