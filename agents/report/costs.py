"""The costs of each arm: env steps, time, memory, parameters. An unrecorded cost is None, not 0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from agents.run.agent_result import AgentResult
from agents.run.records import Run
from agents.run.stage_results import NOTHING, UNKNOWN_COST, StageCost, if_known
from agents.run.stages import METERED, NAMES, OF_AGENTS, SHARED, shared_stages


@dataclass(frozen=True)
class AgentCosts:
    """The costs of one agent and the stages before its training, or their mean over seeds."""

    trained_steps: float
    """Real env steps of training."""
    dreamed_steps: float
    charged_steps: float | None
    stages: Mapping[str, StageCost]
    parameters_trained: float
    parameters_frozen: float
    peak_memory: float | None
    """The largest peak of any stage but evaluation, in bytes."""

    @property
    def cpu_seconds(self) -> float | None:
        """CPU seconds of all stages but evaluation; None if one of them is unknown."""
        return if_known([self.stages[name].cpu_seconds for name in METERED], sum)


@dataclass(frozen=True)
class ArmCosts:
    """The costs of one arm's agents, and their mean."""

    arm: str
    mean: AgentCosts
    seeds: Mapping[int, AgentCosts]
    tuning_trials: int | None
    """How many trainings were made to choose the arm's settings; None if that is not stated."""


def costs_of_arms(run: Run) -> tuple[ArmCosts, ...]:
    """Return the costs of each arm that has a finished agent."""
    return tuple(_arm_costs(run, arm) for arm in run.arms if run.finished(arm))


def _arm_costs(run: Run, arm: str) -> ArmCosts:
    seeds = {seed: _agent_costs(run, result) for seed, result in run.finished(arm).items()}
    mean = _mean_costs(list(seeds.values()))
    return ArmCosts(arm, mean, seeds, run.compare.tuning_trials.get(arm))


def _agent_costs(run: Run, result: AgentResult) -> AgentCosts:
    needed, finished = shared_stages(result.arm), run.of_seed(result.seed).stages
    shared = {
        stage.name: finished.get(stage.name, UNKNOWN_COST) if stage in needed else NOTHING
        for stage in SHARED
    }
    stages = {**shared, **{stage.name: stage.cost(result) for stage in OF_AGENTS}}
    charged = [*shared.values(), stages["refitting"]]
    return AgentCosts(
        trained_steps=result.env_steps,
        dreamed_steps=result.dreamed_steps,
        charged_steps=if_known([cost.env_steps for cost in charged], sum),
        stages=stages,
        peak_memory=if_known([stages[name].peak_memory for name in METERED], max),
        parameters_trained=result.parameters_trained,
        parameters_frozen=result.parameters_frozen,
    )


def _mean_costs(agents: list[AgentCosts]) -> AgentCosts:
    stages = {name: [agent.stages[name] for agent in agents] for name in NAMES}
    return AgentCosts(
        trained_steps=float(np.mean([agent.trained_steps for agent in agents])),
        dreamed_steps=float(np.mean([agent.dreamed_steps for agent in agents])),
        charged_steps=_mean(agent.charged_steps for agent in agents),
        stages={name: _mean_stage(costs) for name, costs in stages.items()},
        peak_memory=_mean(agent.peak_memory for agent in agents),
        parameters_trained=float(np.mean([agent.parameters_trained for agent in agents])),
        parameters_frozen=float(np.mean([agent.parameters_frozen for agent in agents])),
    )


def _mean_stage(stages: list[StageCost]) -> StageCost:
    steps = _mean(stage.env_steps for stage in stages)
    return StageCost(
        None if steps is None else round(steps),
        _mean(stage.seconds for stage in stages),
        _mean(stage.cpu_seconds for stage in stages),
        _mean(stage.peak_memory for stage in stages),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    return if_known(values, lambda known: float(np.mean(known)))
