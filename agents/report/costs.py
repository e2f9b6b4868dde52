"""What each arm took: frames, time, memory, parameters. What nobody recorded is None, never 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from agents.run.records import Result, Run
from agents.run.stage_results import NOTHING, UNKNOWN, StageCost
from agents.run.stages import METERED, NAMES, OF_AGENTS, SHARED, SharedStage, shared_stages


@dataclass(frozen=True)
class Account:
    """What one agent took, all that came before it included; or the mean over an arm's seeds."""

    trained_steps: float
    charged_steps: float | None
    stages: Mapping[str, StageCost]
    parameters_trained: float
    parameters_frozen: float
    peak_memory: float | None
    """Of the stage that needed most, evaluation aside."""

    @property
    def cpu_seconds(self) -> float | None:
        """Of all stages but evaluation; None if that of one of them is unknown."""
        return _combined([self.stages[name].cpu_seconds for name in METERED], sum)


@dataclass(frozen=True)
class ArmCosts:
    """The accounts of one arm."""

    arm: str
    mean: Account
    seeds: Mapping[int, Account]
    tuning_trials: int | None
    """Trainings made to choose its settings; None: not stated."""


def costs_of_arms(run: Run) -> tuple[ArmCosts, ...]:
    """One for each arm with a finished agent."""
    return tuple(_ledger(run, arm) for arm in run.arms if run.finished(arm))


def _ledger(run: Run, arm: str) -> ArmCosts:
    seeds = {seed: _account(run, result) for seed, result in run.finished(arm).items()}
    mean = _mean_account(list(seeds.values()))
    return ArmCosts(arm, mean, seeds, run.stated.tuning_trials.get(arm))


def _account(run: Run, result: Result) -> Account:
    needed = shared_stages(result.arm)
    shared = {stage.name: (_taken(run, stage) if stage in needed else NOTHING) for stage in SHARED}
    stages = {**shared, **{stage.name: stage.cost(result) for stage in OF_AGENTS}}
    charged = [cost.env_steps for cost in shared.values()]
    return Account(
        trained_steps=result.env_steps,
        charged_steps=_combined([*charged, result.refresh_env_steps], sum),
        stages=stages,
        peak_memory=_combined([stages[name].peak_memory for name in METERED], max),
        parameters_trained=result.parameters_trained,
        parameters_frozen=result.parameters_frozen,
    )


def _taken(run: Run, stage: SharedStage) -> StageCost:
    return run.stages[stage.name].cost if stage.name in run.stages else UNKNOWN


def _mean_account(accounts: list[Account]) -> Account:
    stages = {name: [account.stages[name] for account in accounts] for name in NAMES}
    return Account(
        trained_steps=float(np.mean([account.trained_steps for account in accounts])),
        charged_steps=_mean(account.charged_steps for account in accounts),
        stages={name: _mean_stage(taken) for name, taken in stages.items()},
        peak_memory=_mean(account.peak_memory for account in accounts),
        parameters_trained=float(np.mean([account.parameters_trained for account in accounts])),
        parameters_frozen=float(np.mean([account.parameters_frozen for account in accounts])),
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
    return _combined(list(values), lambda known: float(np.mean(known)))


def _combined(values: list[float | None], combine: Callable[[list[float]], float]) -> float | None:
    known = [value for value in values if value is not None]
    return combine(known) if len(known) == len(values) else None
