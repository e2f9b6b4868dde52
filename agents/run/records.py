"""The values read from a comparison's folder; an unfinished part is a `Hole` and no error."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from agents.arms.registry import ARMS, Arm, env_steps_of, rank
from agents.config.sections import CompareConfig
from agents.run.agent_result import AgentResult, Evaluation, TrainingEpisode
from agents.run.declared import Declared
from agents.run.stage_results import Cost, StageCost, if_known
from agents.run.stages import SHARED, SharedStage, shared_stages
from worldvae.autoencoders.encoder_files import EncoderCard

ENOUGH_SEEDS = 5
"""The fewest seeds of each arm for which a difference between arms is stated."""


@dataclass(frozen=True)
class AgentRecord:
    """The folder of one arm and seed; `result` is None until the agent has finished."""

    arm: str
    seed: int
    folder: Path
    evaluations: tuple[Evaluation, ...]
    episodes: tuple[TrainingEpisode, ...]
    result: AgentResult | None
    damage: str = ""
    """The reason why its result is left out."""
    damaged_logs: tuple[str, ...] = ()
    """Messages about its damaged logs, which are left out."""

    @property
    def measured(self) -> tuple[Evaluation, ...]:
        """All held-out evaluations in the order of training, the final one last."""
        last = () if self.result is None else (self.result.measured,)
        return (*self.measured_in_training, *last)

    @property
    def measured_in_training(self) -> tuple[Evaluation, ...]:
        """All held-out evaluations but the final one, in the order of training."""
        return tuple(line.charged for line in self._before_the_end)

    @property
    def learning(self) -> dict[int, float]:
        """Env steps of training, real or dreamed -> the score there, the final one last.

        They are those of training alone: nothing is charged.
        """
        points = {line.trained_steps: line.score for line in self._before_the_end if line.returns}
        result = self.result
        return points if result is None else {**points, result.trained_steps: result.score}

    def points(self, lines: Iterable[Evaluation], unit: str) -> list[tuple[float, float]]:
        """Return the cost in `unit`, a field of a line, and the score of each of its `lines`.

        There are none where CPU time was not measured, or lacks that of refits, which is in the
        result alone and not in the lines before it.
        """
        lines = [line for line in lines if line.returns]
        costs = [getattr(line, unit) for line in lines]
        if None in costs or (unit == "cpu_seconds" and self._was_refitted):
            return []
        return [(cost, line.score) for cost, line in zip(costs, lines, strict=True)]

    @property
    def _was_refitted(self) -> bool:
        if self.result is not None:
            return self.result.refreshes > 0
        return any(line.refresh_seconds for line in self.evaluations)

    @property
    def _before_the_end(self) -> tuple[Evaluation, ...]:
        end = math.inf if self.result is None else self.result.trained_steps
        return tuple(line for line in self.evaluations if line.trained_steps < end)

    @property
    def reached(self) -> int:
        """Env steps of training, real or dreamed, at the last line of its logs."""
        lines: tuple[Evaluation | TrainingEpisode, ...] = (*self.evaluations, *self.episodes)
        return max((line.trained_steps for line in lines), default=0)


@dataclass(frozen=True)
class Hole:
    """An unfinished part of a comparison, and its state in words."""

    where: str
    state: str


@dataclass(frozen=True)
class Run:
    """Everything that a comparison has written so far."""

    folder: Path
    config: str
    """The text of the resolved configuration; empty if it is missing."""
    settings: Mapping[str, Any]
    """The sections in that text."""
    stages: Mapping[str, StageCost]
    """Name of a finished stage before the agents -> its cost."""
    card: EncoderCard | None
    agents: tuple[AgentRecord, ...]
    planned: tuple[tuple[str, int], ...] = ()
    compare: CompareConfig = field(default_factory=CompareConfig)
    """That section of the resolved configuration; `primary` are the comparisons that were declared
    before their outcome was known."""
    declared: Declared = field(default_factory=Declared)
    damage: Mapping[str, str] = field(default_factory=dict)
    """Name of a stage, or "card" of the encoder -> the damage of its file."""
    parts: Mapping[int, Run] = field(default_factory=dict)
    """Seed -> its own run, where each seed has an encoder of its own; empty where all share one.
    The agents of all are in `agents`, too."""

    @cached_property
    def arms(self) -> tuple[str, ...]:
        """Arms that were started or planned, in the order of the registry, unknown ones last."""
        names = {agent.arm for agent in self.agents} | {arm for arm, _ in self.planned}
        return tuple(sorted(names, key=lambda arm: (rank(arm), arm)))

    @cached_property
    def rows(self) -> tuple[Arm, ...]:
        """The rows of the registry for its `arms`; unknown ones have none."""
        return tuple(ARMS[arm] for arm in self.arms if arm in ARMS)

    def of(self, arm: str) -> tuple[AgentRecord, ...]:
        """Return all agents of `arm`, by seed."""
        return tuple(agent for agent in self.agents if agent.arm == arm)

    def finished(self, arm: str) -> dict[int, AgentResult]:
        """Return seed -> result for the finished agents of `arm`, by seed."""
        return {agent.seed: agent.result for agent in self.of(arm) if agent.result}

    @cached_property
    def results(self) -> tuple[AgentResult, ...]:
        """The results of all finished agents."""
        return tuple(agent.result for agent in self.agents if agent.result)

    def of_seed(self, seed: int) -> Run:
        """Return the run whose frames and encoder the agents of `seed` have."""
        return self.parts.get(seed, self)

    @property
    def encoders(self) -> Mapping[str, Run]:
        """Seed in words -> the run with its encoder; one without words if all seeds share it.

        That of a seed without agents, begun or planned, decides nothing here and is left out.
        """
        seeds = {agent.seed for agent in self.agents} | {seed for _, seed in self.planned}
        parts = {seed: part for seed, part in self.parts.items() if seed in seeds}
        return {f"seed {seed}": part for seed, part in parts.items()} or {"": self}

    @property
    def shown(self) -> tuple[str, Run]:
        """Which of `encoders` stands for all on a page: the first that has a finished encoder."""
        found = [*self.encoders.items()]
        return next((one for one in found if one[1].card is not None), found[0])

    def known_charge(self, arm: str) -> Cost:
        """Return the cost before the first training step of `arm`: its frames and its encoder.

        Each seed is charged in full, as if it were the only one, because no agent can be trained
        for less; where seeds have encoders of their own it is the mean over its agents. What is not
        known counts as 0, and is among the `holes`; `charged` tells.
        """
        if self.parts:
            costs = [self.of_seed(agent.seed).known_charge(arm) for agent in self._in_parts(arm)]
            return Cost.mean(costs)
        known = [self.stages[s.name] for s in shared_stages(arm) if s.name in self.stages]
        return Cost(
            sum(cost.env_steps or 0 for cost in known), sum(cost.seconds or 0.0 for cost in known)
        )

    def charged(self, arm: str, unit: str) -> float | None:
        """Return how much of `unit`, a field of `StageCost`, is charged to `arm` before it trains.

        None if a stage has not finished, or was not measured; the mean over its agents as in
        `known_charge`.
        """
        if self.parts:
            agents = self._in_parts(arm)
            charges = [self.of_seed(agent.seed).charged(arm, unit) for agent in agents]
            return if_known(charges, lambda known: float(np.mean(known)) if known else 0.0)
        charge = 0.0
        for stage in shared_stages(arm):
            cost = self.stages.get(stage.name)
            amount: float | None = getattr(cost, unit, None)
            if amount is None:
                return None
            charge += amount
        return charge

    def _in_parts(self, arm: str) -> list[AgentRecord]:
        """Return the agents of `arm` whose seeds have runs of their own."""
        return [agent for agent in self.of(arm) if agent.seed in self.parts]

    def needed_stages(self) -> tuple[SharedStage, ...]:
        """Return the stages before the agents that any arm of this comparison needs."""
        needed = {stage for arm in self.arms for stage in shared_stages(arm)}
        return tuple(stage for stage in SHARED if stage in needed)

    @property
    def damage_before_agents(self) -> tuple[str, ...]:
        """Messages about damaged files that are no agent's, here and in the runs of seeds."""
        of_parts = (line for part in self.parts.values() for line in part.damage.values())
        return (*self.damage.values(), *of_parts)

    @cached_property
    def damaged(self) -> tuple[str, ...]:
        """Messages about damaged files beside the results, which are left out."""
        logs = (line for agent in self.agents for line in agent.damaged_logs)
        return (*self.damage_before_agents, *logs)

    @cached_property
    def holes(self) -> tuple[Hole, ...]:
        """All parts that are missing for a complete comparison."""
        begun = {(agent.arm, agent.seed) for agent in self.agents}
        missing = sorted(set(self.planned) - begun, key=lambda pair: (rank(pair[0]), pair))
        return (
            *(hole for part in self.encoders.values() for hole in _stage_holes(self, part)),
            *(_agent_hole(self, agent) for agent in self.agents if agent.result is None),
            *(Hole(self._place(arm, seed), "not begun") for arm, seed in missing),
        )

    def _place(self, arm: str, seed: int) -> str:
        """Return where in the run's folder the agent of `arm` and `seed` lies, or will lie."""
        part = f"seed_{seed}/" if seed in self.parts or self.compare.encoder_per_seed else ""
        return f"{part}agents/{arm}/seed_{seed}"

    def left_out(self, arms: Collection[str]) -> list[str]:
        """Return a line for each agent, log and charge that numbers of `arms` lack."""
        agents = tuple(agent for agent in self.agents if agent.arm in arms)
        planned = tuple(pair for pair in self.planned if pair[0] in arms)
        part = replace(self, agents=agents, planned=planned)
        holes = [f"{hole.where}: {hole.state}" for hole in part.holes]
        return holes + [f"left out: {line}" for agent in agents for line in agent.damaged_logs]


class RunArm(NamedTuple):
    """One arm of a run."""

    run: Run
    arm: str


def _stage_holes(run: Run, part: Run) -> list[Hole]:
    """Return a hole for each stage that an arm of `run` needs and that is unfinished in `part`."""
    return [
        Hole(
            (part.folder / stage.name).relative_to(run.folder).as_posix(),
            _stage_state(part.damage.get(stage.name)),
        )
        for stage in run.needed_stages()
        if stage.name not in part.stages
    ]


def _stage_state(damage: str | None) -> str:
    if damage is None:
        return "not finished; what it will cost is not charged yet"
    return f"{damage}; what it took is not charged"


def _agent_hole(run: Run, agent: AgentRecord) -> Hole:
    where = agent.folder.relative_to(run.folder).as_posix()
    if agent.damage:
        return Hole(where, f"left out: {agent.damage}")
    if not agent.reached:
        return Hole(where, "begun, nothing logged yet")
    return Hole(where, f"not finished; {env_steps_of(agent.arm, agent.reached)} so far")
