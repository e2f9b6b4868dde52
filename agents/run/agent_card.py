"""What is known of a trained agent beside its weights."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from agents.arms.registry import ArmName
from agents.config.agent import AlgorithmName
from worldvae.config import Config
from worldvae.envs import EnvConfig
from worldvae.errors import ArtifactError
from worldvae.json_files import JsonFile


class AgentCard(Config):
    """What belongs to the weights beside it; names them, so that both change at once."""

    arm: ArmName = Field(description="What the agent sees.")
    algorithm: AlgorithmName = Field(description="What trained it.")
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
    logged: dict[str, int] = Field({}, description="Lines of each log at this checkpoint.")
    refreshes: int = Field(0, description="Times that its encoder was refitted.")
    refresh_env_steps: int = Field(0, description="Environment steps collected for that.")
    refresh_seconds: float = Field(0.0, description="Seconds of collecting and refitting.")
    refresh_cpu_seconds: float = Field(0.0, description="Processor seconds of the same.")


AGENT_CARD = JsonFile("card.json", AgentCard, "remove {folder} and train again")


def read_card(folder: Path) -> AgentCard:
    """The card of the agent in `folder`."""
    if not AGENT_CARD.exists(folder):
        raise ArtifactError(
            f"{folder}: no agent here; train one with python -m scripts.train CONFIG --arm latent"
        )
    return AGENT_CARD.read(folder)


def write_card(folder: Path, card: AgentCard) -> None:
    """What `read_card` reads."""
    AGENT_CARD.write(folder, card)


def own_encoder(folder: Path, card: AgentCard) -> Path:
    """Where the encoder of the agent in `folder` lies."""
    return (folder / str(card.encoder)).resolve()
