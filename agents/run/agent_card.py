"""The schema of an agent's card, which describes the agent beside its weights."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from agents.arms.registry import ArmName
from agents.config.agent import AlgorithmName
from worldvae.envs import EnvConfig
from worldvae.folders import KINDS, check_folder
from worldvae.json_files import Content, JsonFile


class AgentCard(Content):
    """The description of an agent.

    It names the file of the weights, so that both change at once.
    """

    arm: ArmName = Field(description="What the agent sees.")
    algorithm: AlgorithmName = Field(description="The algorithm that trained it.")
    seed: int = Field(description="The seed of its training.")
    env: EnvConfig = Field(description="The environment it was trained in.")
    stack: int = Field(description="Frames, latents, states or actions in one observation.")
    whiten: bool = Field(description="Whether its latents are whitened.")
    encoder: str | None = Field(description="Folder of the encoder, relative to the agent's own.")
    encoder_sha256: str | None = Field(description="Hash of that encoder.")
    dynamics: str | None = Field(
        None, description="Folder of its dynamics, relative to the agent's own."
    )
    dynamics_sha256: str | None = Field(None, description="Hash of these dynamics.")
    model: str = Field("", description="File of the weights, Stable-Baselines3's zip.")
    model_sha256: str = Field("", description="Hash of that file.")
    replay: str = Field("", description="File of the replay buffer, if the algorithm has one.")
    replay_sha256: str = Field("", description="Hash of that file.")
    env_steps: int = Field(0, description="Real environment steps trained so far.")
    dreamed_steps: int = Field(0, description="Dreamed environment steps trained so far.")
    seconds: float = Field(0.0, description="Seconds of training so far, without evaluations.")
    cpu_seconds: float = Field(0.0, description="CPU seconds of training so far.")
    evaluation_seconds: float = Field(0.0, description="Seconds of evaluations so far.")
    peak_memory: int = Field(0, description="Peak of resident bytes of all its processes.")
    return_mean: float = Field(0.0, description="Running mean of the discounted return.")
    return_var: float = Field(1.0, description="Running variance of that return; scales rewards.")
    return_count: float = Field(1e-4, description="Number of returns in both.")
    state_mean: tuple[float, ...] = Field((), description="state arm: running mean of states.")
    state_var: tuple[float, ...] = Field((), description="state arm: running variance of states.")
    state_count: float = Field(1e-4, description="state arm: number of states in both.")
    logged: dict[str, int] = Field({}, description="Lines of each log at this checkpoint.")
    refreshes: int = Field(0, description="How many times its encoder or dynamics were refitted.")
    refresh_env_steps: int = Field(0, description="Environment steps collected for refits.")
    refresh_seconds: float = Field(0.0, description="Seconds of collecting and refitting.")
    refresh_cpu_seconds: float = Field(0.0, description="CPU seconds of collecting and refitting.")

    @property
    def trained_steps(self) -> int:
        """The environment steps trained so far, real or dreamed, before the action repeat."""
        return self.env_steps + self.dreamed_steps

    @property
    def without_replay(self) -> AgentCard:
        """The same card, which names no replay buffer."""
        return self.model_copy(update={"replay": "", "replay_sha256": ""})


AGENT_CARD = JsonFile("card.json", AgentCard, KINDS["agent"].remedy)


def read_card(folder: Path) -> AgentCard:
    """Read the card of the agent in `folder`; raises ArtifactError if there is none."""
    check_folder(folder, "agent")
    return AGENT_CARD.read(folder)


def write_card(folder: Path, card: AgentCard) -> None:
    """Write the card of the agent in `folder`."""
    AGENT_CARD.write(folder, card)


def own_encoder(folder: Path, card: AgentCard) -> Path:
    """Return the folder of the encoder that the agent in `folder` uses."""
    return (folder / str(card.encoder)).resolve()


def own_dynamics(folder: Path, card: AgentCard) -> Path:
    """Return the folder of the dynamics whose memory the agent in `folder` observes."""
    return (folder / str(card.dynamics)).resolve()
