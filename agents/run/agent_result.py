"""What an agent leaves beside its weights: the logs of its training, and its scores."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from agents.run.stage_results import Cost, StageCost
from worldvae.json_files import Content, JsonFile, JsonLog

LINE_REMEDY = "restore the file, remove that line, or remove {folder} to train again"


class TrainingEpisode(Content):
    """One training episode: a line of `episodes.jsonl`."""

    env_steps: int = Field(description="Of training when it ended, before action repeat.")
    seconds: float = Field(description="Of training until then.")
    total: float = Field(alias="return", description="Sum of its rewards.")
    length: int = Field(description="Decisions.")


class Evaluation(Content):
    """Held-out episodes played at one moment of training: a line of `evaluations.jsonl`."""

    env_steps: int = Field(description="Of training until then, before action repeat.")
    seconds: float = Field(description="Of training until then, without evaluations.")
    cpu_seconds: float | None = Field(description="The same; null: not measured.")
    refresh_env_steps: int = Field(description="Spent on refitting the encoder until then.")
    refresh_seconds: float = Field(description="Spent on refitting the encoder until then.")
    returns: tuple[float, ...] = Field(description="Of each episode.")
    lengths: tuple[int, ...] = Field(description="Decisions of each episode.")

    @property
    def score(self) -> float:
        """The mean return; nan of no episode."""
        return float(np.mean(self.returns)) if self.returns else float("nan")

    @property
    def charged(self) -> Evaluation:
        """The same, at what training and refitting had cost together."""
        spent = {
            "env_steps": self.env_steps + self.refresh_env_steps,
            "seconds": self.seconds + self.refresh_seconds,
        }
        return self.model_copy(update={**spent, "refresh_env_steps": 0, "refresh_seconds": 0.0})


class FinalEvaluation(Content):
    """The episodes that are compared: `seeds[i]` started the one that returned `returns[i]`."""

    env_id: str = Field(description="Gymnasium id of the environment.")
    deterministic: bool | None = Field(
        description="Whether actions were the mode of the policy; null: not recorded."
    )
    seeds: tuple[int, ...] = Field(description="Of each episode.")
    returns: Annotated[tuple[float, ...], Field(min_length=1)]
    lengths: tuple[int, ...] = Field(description="Decisions of each episode.")
    successes: tuple[bool | None, ...] = Field(
        description="Whether each reached its goal; null where the environment does not tell."
    )

    @model_validator(mode="after")
    def _equally_many(self) -> FinalEvaluation:
        parts = (self.returns, self.lengths, self.successes)
        if any(len(part) != len(self.seeds) for part in parts):
            raise ValueError("seeds, returns, lengths and successes must be equally many")
        return self

    @property
    def score(self) -> float:
        """The mean return."""
        return float(np.mean(self.returns))

    @property
    def success_rate(self) -> float | None:
        """Share of the episodes that reached their goal, of those of which it is told."""
        told = [success for success in self.successes if success is not None]
        return float(np.mean(told)) if told else None


class AgentResult(Content):
    """`result.json` of an agent, with which it is done; null of a published one: not measured."""

    arm: str
    algorithm: str
    seed: int
    env_steps: int = Field(description="Of training, before action repeat.")
    seconds: float = Field(description="Of training, without evaluations.")
    cpu_seconds: float | None = Field(description="Of training, child processes included.")
    peak_memory: int | None = Field(description="Resident bytes, child processes included.")
    evaluation_seconds: float | None = Field(description="Of all evaluations.")
    refreshes: int = Field(description="Times that its encoder was refitted.")
    refresh_env_steps: int = Field(description="Collected for that, before action repeat.")
    refresh_seconds: float = Field(description="Of collecting and refitting.")
    refresh_cpu_seconds: float = Field(description="Of the same.")
    parameters_trained: int
    parameters_frozen: int = Field(description="Of the encoder, where it is frozen.")
    command: str = Field(description="What makes this agent.")
    versions: dict[str, str] = Field(description="Of the software.")
    evaluation: FinalEvaluation
    otherwise: FinalEvaluation | None = Field(
        description="The same episodes with the other way to act; null: not played."
    )
    files: dict[str, str] | None = Field(
        description="Name -> SHA-256 of the logs and the film beside it; null: not recorded."
    )

    @property
    def cost(self) -> Cost:
        """Of training, and of refitting the encoder meanwhile."""
        return Cost(self.env_steps + self.refresh_env_steps, self.seconds + self.refresh_seconds)

    @property
    def measured(self) -> Evaluation:
        """The compared episodes as the last evaluation of training, at the cost of all of it."""
        return Evaluation(
            env_steps=self.cost.env_steps,
            seconds=self.cost.seconds,
            cpu_seconds=self.cpu_seconds,
            refresh_env_steps=0,
            refresh_seconds=0.0,
            returns=self.evaluation.returns,
            lengths=self.evaluation.lengths,
        )

    @property
    def training_cost(self) -> StageCost:
        """Of training alone."""
        return StageCost(self.env_steps, self.seconds, self.cpu_seconds, self.peak_memory)

    @property
    def refitting_cost(self) -> StageCost:
        """Of refitting the encoder, and collecting for it; its memory is training's."""
        return StageCost(
            self.refresh_env_steps, self.refresh_seconds, self.refresh_cpu_seconds, 0.0
        )

    @property
    def evaluation_cost(self) -> StageCost:
        """Of all evaluations; their CPU time and memory are not measured apart."""
        return StageCost(None, self.evaluation_seconds, None, None)

    @property
    def score(self) -> float:
        """The seed's score, the mean over its evaluation episodes."""
        return self.evaluation.score

    def score_as(self, deterministic: bool) -> float | None:
        """The score with actions chosen that way; None: not played so, or not recorded."""
        for played in (self.evaluation, self.otherwise):
            if played is not None and played.deterministic is deterministic:
                return played.score
        return None


EPISODES = JsonLog("episodes.jsonl", TrainingEpisode, LINE_REMEDY)
EVALUATIONS = JsonLog("evaluations.jsonl", Evaluation, LINE_REMEDY)
RESULT = JsonFile("result.json", AgentResult, "compare again, which goes on from its checkpoint")
