"""What the explorer's page is told, as JSON; arrays and networks are assets beside it."""

from __future__ import annotations

from typing import Literal

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


class KeyFacts(Content):
    """A vector beside the frame, in its own units."""

    name: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    low: tuple[float, ...] = Field(description="Least of each in training, in its deviations.")
    high: tuple[float, ...] = Field(description="Greatest of each in training.")
    steps: tuple[float, ...] = Field(description="Differences of each that are worth showing.")
    is_choice: bool = Field(
        description="Whether in training one of its numbers is 1, all others 0."
    )


class ActionFacts(Content):
    """The actions of policies."""

    kind: Literal["discrete", "box"]
    names: tuple[str, ...] = Field(description="Of the choices or axes; none if nobody names them.")
    choices: int = Field(description="discrete: how many.")
    low: tuple[float, ...] = Field(description="box: of each axis.")
    high: tuple[float, ...]
    whole: bool = Field(description="box: numbers are rounded to the nearest whole one.")


class TrustFacts(Content):
    """What the fidelity check says of the dream."""

    verdict: str
    horizon: int = Field(description="Decisions for which dreams are trusted; 0 if unfit.")
    judged: int = Field(description="Decisions that were judged at most.")
    temperature: float = Field(description="That of the check.")


class DreamFacts(Content):
    """The dynamics, and how they are dreamed."""

    latents: int
    keys: tuple[KeyFacts, ...]
    members: int
    carried: int = Field(description="Numbers that one member carries.")
    trained: bool
    usual_reward: float = Field(description="The median size of rewards that are not 0.")
    actions: ActionFacts
    temperature: float = Field(description="That of the run's dreams.")
    max_disagreement: float | None
    decisions_per_second: float
    trust: TrustFacts | None = Field(description="Null: nobody has checked it.")


class TwinFacts(Content):
    """A piece of a recorded episode, which is dreamed under the recorded actions."""

    asset: str = Field(description="The beginning of the names of its arrays.")
    episode: str
    policy: str = Field(description="Who acted.")
    frame: int = Field(description="The number of its first frame in the episode.")
    before: int = Field(description="Real decisions before that frame, which are remembered.")


class AgentFacts(Content):
    """An agent that can play the dream."""

    asset: str = Field(description="The name of its network.")
    name: str = Field(description="Arm and seed.")
    sees: Literal["latents", "frame"] = Field(
        description="The dream's latents, or the picture that the decoder draws of them."
    )
    observation: str = Field(description="The observation of its arm in words.")
    noise: Literal["normal", "gumbel", "uniform"] | None = Field(
        description="The distribution of the noise that samples its actions; null: it cannot."
    )
    noise_size: int = Field(description="Numbers of that noise.")
    samples: bool = Field(description="Whether it was scored with sampled actions.")
    trained_steps: int = Field(description="Environment steps, real or dreamed.")
    actions: ActionFacts


class ExplorerContents(Content):
    """All of it."""

    title: str
    env_id: str
    split: str = Field(description="The split of the episodes that are shown.")
    code: CodeFacts
    moments: tuple[MomentFacts, ...]
    dream: DreamFacts | None = Field(description="Null: the run has no dynamics.")
    agents: tuple[AgentFacts, ...]
    twins: tuple[TwinFacts, ...]
    command: str = Field(description="What was typed.")
    versions: dict[str, str]
