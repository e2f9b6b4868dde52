"""The schemas of an agent's logs and of its result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from agents.run.stage_results import Cost, StageCost
from worldvae.json_files import Content, JsonFile, JsonLog

LINE_REMEDY = "restore the file, remove that line, or remove {folder} to train again"


class TrainingMoment(Content):
    """A moment of training; env steps are counted before action repeat."""

    env_steps: int = Field(description="Real env steps of training so far.")
    dreamed_steps: int = Field(0, description="Dreamed env steps of training so far.")
    seconds: float = Field(description="Seconds of training so far, without evaluations.")

    @property
    def trained_steps(self) -> int:
        """The env steps of training so far, real or dreamed."""
        return self.env_steps + self.dreamed_steps


class TrainingEpisode(TrainingMoment):
    """One training episode, at its end: a line of `episodes.jsonl`."""

    total: float = Field(alias="return", description="Sum of its rewards.")
    length: int = Field(description="Its decisions.")


class Evaluation(TrainingMoment):
    """Held-out episodes played at one moment of training: a line of `evaluations.jsonl`."""

    cpu_seconds: float | None = Field(description="CPU seconds of training; null: not measured.")
    refresh_env_steps: int = Field(description="Env steps of collecting for refits so far.")
    refresh_seconds: float = Field(description="Seconds of collecting and refitting so far.")
    returns: tuple[float, ...] = Field(description="Return of each episode.")
    lengths: tuple[int, ...] = Field(description="Decisions of each episode.")
    promised: tuple[float, ...] = Field(
        (), description="Return of each of as many dreams; empty: it does not train in a dream."
    )
    promised_starts: tuple[int, ...] = Field(
        (), description="Number of the real frame that each dream began from; empty: not recorded."
    )

    @property
    def score(self) -> float:
        """The mean return; NaN without episodes."""
        return float(np.mean(self.returns)) if self.returns else float("nan")

    @property
    def charged(self) -> Evaluation:
        """The same evaluation, with the cost of refitting added to that of training."""
        costs = {
            "env_steps": self.env_steps + self.refresh_env_steps,
            "seconds": self.seconds + self.refresh_seconds,
        }
        return self.model_copy(update={**costs, "refresh_env_steps": 0, "refresh_seconds": 0.0})


class FinalEvaluation(Content):
    """The episodes that are compared: `seeds[i]` started the one that returned `returns[i]`."""

    env_id: str = Field(description="Gymnasium id of the environment.")
    deterministic: bool | None = Field(
        description="Whether actions were the mode of the policy; null: not recorded."
    )
    seeds: tuple[int, ...] = Field(description="Seed of each episode.")
    returns: Annotated[tuple[float, ...], Field(min_length=1)]
    lengths: tuple[int, ...] = Field(description="Decisions of each episode.")
    successes: tuple[bool | None, ...] = Field(
        description="Whether each episode reached its goal; null: not reported."
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
        """The share of successful episodes; None if no episode tells.

        One that tells nothing where others do has failed: many environments tell of success alone.
        """
        return success_rate(self.successes)


def success_rate(successes: Sequence[bool | None]) -> float | None:
    """Return the share of true ones among all, None being false; None if all are None."""
    if all(success is None for success in successes):
        return None
    return float(np.mean([bool(success) for success in successes]))


class AgentResult(Content):
    """The content of an agent's `result.json`, which marks it as finished.

    Null means that a published agent was not measured.
    """

    arm: str
    algorithm: str
    seed: int
    env_steps: int = Field(description="Real env steps of training, before action repeat.")
    dreamed_steps: int = Field(0, description="Dreamed env steps of training.")
    seconds: float = Field(description="Seconds of training, without evaluations.")
    cpu_seconds: float | None = Field(description="CPU seconds of training and its children.")
    peak_memory: int | None = Field(description="Peak of resident bytes, with child processes.")
    evaluation_seconds: float | None = Field(description="Seconds of all evaluations.")
    refreshes: int = Field(description="How many times its encoder or dynamics were refitted.")
    refresh_env_steps: int = Field(description="Env steps collected for refits.")
    refresh_seconds: float = Field(description="Seconds of collecting and refitting.")
    refresh_cpu_seconds: float = Field(description="CPU seconds of collecting and refitting.")
    parameters_trained: int
    parameters_frozen: int = Field(description="Parameters of a frozen encoder and its dynamics.")
    command: str = Field(description="The command that trains this agent.")
    versions: dict[str, str] = Field(description="Versions of the software.")
    evaluation: FinalEvaluation
    otherwise: FinalEvaluation | None = Field(
        description="The same episodes with the opposite of `deterministic`; null: not played."
    )
    files: dict[str, str] | None = Field(
        description="Name -> SHA-256 of the logs and the film beside it; null: not recorded."
    )

    @property
    def trained_steps(self) -> int:
        """The env steps of training, real or dreamed, without those that were charged."""
        return self.env_steps + self.dreamed_steps

    @property
    def cost(self) -> Cost:
        """The cost of training and of refitting the encoder."""
        return Cost(self.env_steps + self.refresh_env_steps, self.seconds + self.refresh_seconds)

    @property
    def measured(self) -> Evaluation:
        """The compared episodes as the last evaluation of training, at the cost of all training."""
        return Evaluation(
            env_steps=self.cost.env_steps,
            dreamed_steps=self.dreamed_steps,
            seconds=self.cost.seconds,
            cpu_seconds=self.cpu_seconds,
            refresh_env_steps=0,
            refresh_seconds=0.0,
            returns=self.evaluation.returns,
            lengths=self.evaluation.lengths,
        )

    @property
    def training_cost(self) -> StageCost:
        """The cost of training alone."""
        return StageCost(self.env_steps, self.seconds, self.cpu_seconds, self.peak_memory)

    @property
    def refitting_cost(self) -> StageCost:
        """The cost of collecting for refits and of the refits.

        Their memory is counted as training's.
        """
        return StageCost(
            self.refresh_env_steps, self.refresh_seconds, self.refresh_cpu_seconds, 0.0
        )

    @property
    def evaluation_cost(self) -> StageCost:
        """The cost of all evaluations; their CPU time and memory are not measured separately."""
        return StageCost(None, self.evaluation_seconds, None, None)

    @property
    def score(self) -> float:
        """The seed's score: the mean over its evaluation episodes."""
        return self.evaluation.score

    def score_as(self, deterministic: bool) -> float | None:
        """Return the score for that way of acting; None if it was not played or not recorded."""
        for played in (self.evaluation, self.otherwise):
            if played is not None and played.deterministic is deterministic:
                return played.score
        return None


EPISODES = JsonLog("episodes.jsonl", TrainingEpisode, LINE_REMEDY)
EVALUATIONS = JsonLog("evaluations.jsonl", Evaluation, LINE_REMEDY)
RESULT = JsonFile("result.json", AgentResult, "compare again, which goes on from its checkpoint")
