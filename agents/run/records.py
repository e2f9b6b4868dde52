"""What a comparison leaves behind, as values; what has no `result.json` is a hole, not an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, FiniteFloat

from agents.arms.registry import rank
from agents.run.stage_results import Card, Collection, Pretraining, StageCost, Stated
from agents.run.stages import SHARED, SharedStage, shared_stages

ENOUGH_SEEDS = 5
"""Fewest seeds from which differences between arms are stated at all."""


@dataclass(frozen=True)
class Cost:
    """What something took; env steps are frames of the environment before action repeat."""

    env_steps: int = 0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.env_steps + other.env_steps, self.seconds + other.seconds)


@dataclass(frozen=True)
class Evaluation:
    """Held-out episodes played at one moment of training; seconds exclude evaluation itself."""

    env_steps: int
    seconds: float
    returns: tuple[FiniteFloat, ...]
    lengths: tuple[int, ...]
    refresh_env_steps: int = 0
    refresh_seconds: float = 0.0
    """Of refitting the encoder until then."""

    @property
    def charged(self) -> Evaluation:
        """The same, at what training and refitting had cost together."""
        env_steps = self.env_steps + self.refresh_env_steps
        return Evaluation(
            env_steps, self.seconds + self.refresh_seconds, self.returns, self.lengths
        )

    @property
    def score(self) -> float:
        return float(np.mean(self.returns)) if self.returns else float("nan")


@dataclass(frozen=True)
class TrainingEpisode:
    """One training episode."""

    env_steps: int
    seconds: float
    total: Annotated[float, Field(alias="return")]
    length: int


@dataclass(frozen=True)
class FinalEvaluation:
    """The episodes that are compared: `seeds[i]` started the one that returned `returns[i]`."""

    seeds: tuple[int, ...]
    returns: Annotated[tuple[FiniteFloat, ...], Field(min_length=1)]
    lengths: tuple[int, ...]
    env_id: str
    deterministic: bool | None = None
    """Whether actions were the mode of the policy; None: not recorded."""
    successes: tuple[bool | None, ...] = ()
    """Whether each episode reached its goal; None where the environment does not tell."""

    def __post_init__(self) -> None:
        if not len(self.seeds) == len(self.returns) == len(self.lengths):
            raise ValueError("seeds, returns and lengths must be equally many")

    @property
    def score(self) -> float:
        return float(np.mean(self.returns))

    @property
    def success_rate(self) -> float | None:
        """Share of the episodes that reached their goal, of those of which it is told."""
        told = [success for success in self.successes if success is not None]
        return float(np.mean(told)) if told else None


@dataclass(frozen=True)
class Result:
    """`result.json` of one agent; None: not recorded."""

    arm: str
    seed: int
    env_steps: int
    seconds: float
    parameters_trained: int
    parameters_frozen: int
    command: str
    versions: dict[str, str]
    evaluation: FinalEvaluation
    otherwise: FinalEvaluation | None = None
    """The same episodes with the other way to act."""
    cpu_seconds: float | None = None
    """Of training, child processes included."""
    peak_memory: int | None = None
    """Resident bytes, child processes included."""
    evaluation_seconds: float | None = None
    files: dict[str, str] | None = None
    """Name -> SHA-256 of the logs and the film beside it."""
    refresh_env_steps: int = 0
    refresh_seconds: float = 0.0
    refresh_cpu_seconds: float = 0.0

    @property
    def cost(self) -> Cost:
        """Of training, and of refitting the encoder meanwhile."""
        return Cost(self.env_steps, self.seconds) + Cost(
            self.refresh_env_steps, self.refresh_seconds
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
        """The score with actions chosen that way; None: not recorded."""
        for played in (self.evaluation, self.otherwise):
            if played is not None and played.deterministic is deterministic:
                return played.score
        return None


@dataclass(frozen=True)
class AgentRecord:
    """The folder of one arm and seed; `result` is None until it has finished."""

    arm: str
    seed: int
    folder: Path
    evaluations: tuple[Evaluation, ...]
    episodes: tuple[TrainingEpisode, ...]
    result: Result | None
    damage: str = ""
    """Why its result is left out."""
    lost: tuple[str, ...] = ()
    """Which of its logs are damaged and left out."""

    @property
    def measured(self) -> tuple[Evaluation, ...]:
        """Every held-out evaluation in the order of training, the final one last."""
        earlier = tuple(evaluation.charged for evaluation in self.evaluations)
        if self.result is None:
            return earlier
        final, cost = self.result.evaluation, self.result.cost
        last = Evaluation(cost.env_steps, cost.seconds, final.returns, final.lengths)
        return (*(e for e in earlier if e.env_steps < last.env_steps), last)

    @property
    def reached(self) -> int:
        """Env steps of the last thing that was logged."""
        lines: tuple[Evaluation | TrainingEpisode, ...] = (*self.evaluations, *self.episodes)
        return max((line.env_steps for line in lines), default=0)


@dataclass(frozen=True)
class Hole:
    """Something that is not finished, and how far it is."""

    where: str
    state: str


@dataclass(frozen=True)
class Run:
    """Everything that a comparison has written so far."""

    folder: Path
    config: str
    stages: Mapping[str, Collection | Pretraining]
    """Name of a finished stage before the agents -> its result."""
    card: Card | None
    agents: tuple[AgentRecord, ...]
    planned: tuple[tuple[str, int], ...] = ()
    stated: Stated = field(default_factory=Stated)
    damage: Mapping[str, str] = field(default_factory=dict)
    """Name of a stage, or "card" of the encoder -> what is wrong with its file."""

    @cached_property
    def arms(self) -> tuple[str, ...]:
        """Arms that were begun or planned, the known ones first."""
        names = {agent.arm for agent in self.agents} | {arm for arm, _ in self.planned}
        return tuple(sorted(names, key=lambda arm: (rank(arm), arm)))

    def of(self, arm: str) -> tuple[AgentRecord, ...]:
        """All agents of `arm`, by seed."""
        return tuple(agent for agent in self.agents if agent.arm == arm)

    def finished(self, arm: str) -> dict[int, Result]:
        """Seed -> result of the finished agents of `arm`, by seed."""
        return {agent.seed: agent.result for agent in self.of(arm) if agent.result}

    @cached_property
    def results(self) -> tuple[Result, ...]:
        """Those of all finished agents."""
        return tuple(agent.result for agent in self.agents if agent.result)

    def charge(self, arm: str) -> Cost:
        """What `arm` needed before its first training step: frames and the encoder trained on them.

        Each seed is charged in full, as if it were the only one: nobody can train it for less.
        """
        taken = [self.stages[s.name].cost for s in shared_stages(arm) if s.name in self.stages]
        return Cost(
            sum(cost.env_steps or 0 for cost in taken), sum(cost.seconds or 0.0 for cost in taken)
        )

    def needed_stages(self) -> tuple[SharedStage, ...]:
        """The stages before the agents that any arm of this comparison has to bear."""
        needed = {stage for arm in self.arms for stage in shared_stages(arm)}
        return tuple(stage for stage in SHARED if stage in needed)

    @cached_property
    def damaged(self) -> tuple[str, ...]:
        """What is wrong with files beside the results, which are left out."""
        logs = (line for agent in self.agents for line in agent.lost)
        return (*self.damage.values(), *logs)

    @cached_property
    def holes(self) -> tuple[Hole, ...]:
        """All that is missing for a complete comparison."""
        begun = {(agent.arm, agent.seed) for agent in self.agents}
        missing = sorted(set(self.planned) - begun, key=lambda pair: (rank(pair[0]), pair))
        return (
            *_stage_holes(self),
            *(_agent_hole(agent) for agent in self.agents if agent.result is None),
            *(Hole(f"agents/{arm}/seed_{seed}", "not begun") for arm, seed in missing),
        )


def _stage_holes(run: Run) -> list[Hole]:
    """A stage's cost is missing only where an arm has to bear it."""
    return [
        Hole(stage.name, _stage_state(run.damage.get(stage.name)))
        for stage in run.needed_stages()
        if stage.name not in run.stages
    ]


def _stage_state(damage: str | None) -> str:
    if damage is None:
        return "not finished; what it will cost is not charged yet"
    return f"{damage}; what it took is not charged"


def _agent_hole(agent: AgentRecord) -> Hole:
    where = f"agents/{agent.arm}/seed_{agent.seed}"
    if agent.damage:
        return Hole(where, f"left out: {agent.damage}")
    if not agent.reached:
        return Hole(where, "begun, nothing logged yet")
    return Hole(where, f"not finished; {agent.reached:,} env steps so far")
