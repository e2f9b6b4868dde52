"""What the explorer's page is told, as JSON; arrays and networks are assets beside it."""

from __future__ import annotations

from pydantic import Field

from worldvae.json_files import Content


class LatentFacts(Content):
    """One latent of the code."""

    nats: float = Field(description="KL on held-out frames; 0 where the objective has no price.")
    mean: float = Field(description="Over the training frames.")
    std: float = Field(description="Over the training frames.")
    scale: float = Field(description="What whitening divides it by.")
    subject: str = Field("", description="The state variable that it tells most of; or nothing.")
    r2: float = Field(0.0, description="Share of that variable's variance which it tells alone.")


class CodeFacts(Content):
    """The encoder."""

    height: int
    width: int
    channels: int
    stack: int = Field(description="Frames in one input.")
    ahead: int = Field(description="Decisions later than the input, of the frame that is drawn.")
    has_prior: bool = Field(description="False: N(mean, std) of the training frames stand for it.")
    trained: bool
    latents: tuple[LatentFacts, ...]
    state_frames: int = Field(description="Frames by which the latents' subjects were found.")


class MomentFacts(Content):
    """One recorded frame to begin from."""

    episode: str
    frame: int = Field(description="Its number in the episode, from 0.")


class ExplorerContents(Content):
    """All of it."""

    title: str
    env_id: str
    split: str = Field(description="The split of the episodes that are shown.")
    code: CodeFacts
    moments: tuple[MomentFacts, ...]
    command: str = Field(description="What was typed.")
    versions: dict[str, str]
