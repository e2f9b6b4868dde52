"""What the gap report found: the schemas of `gap.json`, and of the log of episodes beside it."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from worldvae.diagnostics.finding import Finding, in_lines
from worldvae.json_files import Content, JsonFile, JsonLog

Trust = Literal["ranks", "doubtful", "misleads", "inconclusive"]

Whose = Literal["scripted", "agent"]
WorldName = Literal["reality", "dream"]


class Measured(Content):
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float


class PlayedEpisodes(Content):
    """The episodes of one policy in one world: a line of `played.jsonl`."""

    key: str = Field(description="Hash of all that decides these episodes.")
    policy: str = Field(description="Name of the policy.")
    world: WorldName
    temperature: float | None = Field(description="Of the dream; null: reality.")
    returns: Annotated[tuple[float, ...], Field(min_length=1)]
    lengths: tuple[int, ...] = Field(description="Decisions of each episode.")
    cut: tuple[bool, ...] = Field(description="Whether each was truncated.")
    starts: tuple[int, ...] = Field(
        description="Number of the real frame that each dream began from; empty in reality."
    )

    @model_validator(mode="after")
    def _equally_many(self) -> PlayedEpisodes:
        if not len(self.returns) == len(self.lengths) == len(self.cut):
            raise ValueError("returns, lengths and cut must be equally many")
        if len(self.starts) != (len(self.returns) if self.world == "dream" else 0):
            raise ValueError("starts must be as many as dreams, and none in reality")
        return self

    @property
    def cut_share(self) -> float:
        """The share of episodes that were truncated."""
        return float(np.mean(self.cut))


class PolicyGap(Content):
    """One policy in both worlds."""

    name: str
    whose: Whose = Field(description="scripted, or an agent of the run.")
    collected_as: str | None = Field(
        description="The policy of the rollouts that plays like it; null: none does."
    )
    dreamer: bool = Field(description="Whether it is an agent that was trained in the dream.")
    real: PlayedEpisodes
    dream: PlayedEpisodes
    real_return: Measured
    dream_return: Measured
    real_length: Measured = Field(description="In decisions.")
    dream_length: Measured = Field(description="In decisions.")
    flattery: Measured = Field(description="Mean return in the dream minus that in reality.")


class Agreement(Content):
    """How the dream's scores of all policies agree with reality's (Fu et al., 2021)."""

    absolute_error: Measured = Field(
        description="Mean over policies of |dream - reality|, of which a true dream would show "
        "error_of_noise; its interval is over policies."
    )
    bias: Measured = Field(description="Mean over policies of dream - reality.")
    spearman: Measured = Field(description="Rank correlation over policies.")
    regret: Measured = Field(
        description="regret@1: best real score minus that of the dream's best."
    )
    relative_regret: Measured = Field(description="The same as a share of the range of scores.")
    choice: Measured = Field(
        description="relative_regret of these very policies: its interval is over episodes alone."
    )
    error_of_mean: float = Field(
        description="absolute_error of a dream that promises every policy reality's mean."
    )
    error_of_noise: float = Field(
        description="absolute_error that a true dream would show in so many episodes."
    )
    spread: float = Field(description="Deviation of reality's scores between policies.")
    indifference: float = Field(description="p-value of Kruskal and Wallis: reality ranks nothing.")
    ceiling: float = Field(description="Rank correlation of half of reality's episodes with half.")


class TemperatureOnValidation(Content):
    """One temperature on validation starts and seeds."""

    temperature: float
    agreement: Agreement


class Promise(Content):
    """One evaluation of an agent while it was trained in the dream."""

    agent: str
    env_steps: int = Field(description="Dreamed env steps of training so far.")
    real: Measured = Field(description="Mean return of its episodes in reality then.")
    dream: Measured = Field(description="Mean return of dreams from held-out first frames then.")
    flattery: Measured = Field(description="Mean return in the dream minus that in reality.")
    episodes: int = Field(description="How many dreams those are.")


class GapReport(Content):
    """The content of `gap.json`."""

    env_id: str
    verdict: Trust
    findings: tuple[Finding, ...]
    limit: int | None = Field(
        description="Decisions that the environment's own limit leaves; null: none is known."
    )
    horizon: int = Field(description="Decisions after which an episode was cut in both worlds.")
    temperature: float = Field(description="Of the dream, in all numbers but `temperatures`.")
    configured_temperature: float = Field(description="dream.temperature of the run.")
    temperatures: tuple[TemperatureOnValidation, ...] = Field(
        description="On validation episodes; empty: nothing was to be chosen."
    )
    policies: tuple[PolicyGap, ...]
    skipped: tuple[str, ...] = Field(description="Agents that did not play, and why.")
    returns: Agreement
    lengths: Agreement
    collected: Agreement | None = Field(description="Returns of kinds that were in the rollouts.")
    not_collected: Agreement | None = Field(description="Returns of kinds that were not.")
    promises: tuple[Promise, ...] = Field(
        description="Of agents that were trained in a dream of these very dynamics."
    )
    dynamics_sha256: str = Field(description="Hash of the dynamics.")
    seed: int = Field(description="Of the resamples, and of the policies.")
    seconds: float
    command: str = Field(description="The command line.")
    versions: dict[str, str] = Field(description="Versions of the software.")

    @property
    def starts(self) -> int:
        """How many real frames all dreams began from."""
        return len({start for policy in self.policies for start in policy.dream.starts})

    @property
    def dreamers(self) -> tuple[PolicyGap, ...]:
        """The agents that were trained in the dream."""
        return tuple(policy for policy in self.policies if policy.dreamer)

    def summary(self) -> str:
        """Return findings and advice as text, one line each."""
        return "\n".join(in_lines(self.findings))


GAP = JsonFile("gap.json", GapReport, "run scripts.gap again, which writes it anew")
PLAYED = JsonLog(
    "played.jsonl", PlayedEpisodes, "remove that line, or the file to play all policies again"
)
