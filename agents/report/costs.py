"""What each arm took: frames, time, memory, parameters. What nobody recorded is None, never 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from agents.run.records import CHARGED_ARMS, Result, Run
from agents.run.stage_results import Collection, Pretraining

METERED = ("collection", "pretraining", "training", "refitting")
STAGES = (*METERED, "evaluation")


@dataclass(frozen=True)
class Stage:
    """What one stage took; the CPU time and memory of evaluations are not measured apart."""

    seconds: float | None
    cpu_seconds: float | None
    peak_memory: float | None


NOTHING = Stage(0.0, 0.0, 0.0)
"""Of a stage that an arm does not need."""


@dataclass(frozen=True)
class Account:
    """What one agent took, all that came before it included; or the mean over an arm's seeds."""

    trained_steps: float
    charged_steps: float | None
    stages: Mapping[str, Stage]
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
    needed = CHARGED_ARMS.get(result.arm, frozenset())
    frames = run.collection.env_steps if run.collection else None
    charged = frames if "collection" in needed else 0
    stages = {
        "collection": _before(run.collection) if "collection" in needed else NOTHING,
        "pretraining": _before(run.pretraining) if "pretraining" in needed else NOTHING,
        "training": Stage(result.seconds, result.cpu_seconds, result.peak_memory),
        "refitting": _refitting(result),
        "evaluation": Stage(result.evaluation_seconds, None, None),
    }
    return Account(
        trained_steps=result.env_steps,
        charged_steps=None if charged is None else charged + result.refresh_env_steps,
        stages=stages,
        peak_memory=_combined([stages[name].peak_memory for name in METERED], max),
        parameters_trained=result.parameters_trained,
        parameters_frozen=result.parameters_frozen,
    )


def _refitting(result: Result) -> Stage:
    """Of the encoder, and collecting for it, while the agent trained; its memory is training's."""
    return Stage(result.refresh_seconds, result.refresh_cpu_seconds, 0.0)


def _before(stage: Collection | Pretraining | None) -> Stage:
    if stage is None:
        return Stage(None, None, None)
    return Stage(stage.seconds, stage.cpu_seconds, stage.peak_memory)


def _mean_account(accounts: list[Account]) -> Account:
    stages = {name: [account.stages[name] for account in accounts] for name in STAGES}
    return Account(
        trained_steps=float(np.mean([account.trained_steps for account in accounts])),
        charged_steps=_mean(account.charged_steps for account in accounts),
        stages={name: _mean_stage(taken) for name, taken in stages.items()},
        peak_memory=_mean(account.peak_memory for account in accounts),
        parameters_trained=float(np.mean([account.parameters_trained for account in accounts])),
        parameters_frozen=float(np.mean([account.parameters_frozen for account in accounts])),
    )


def _mean_stage(stages: list[Stage]) -> Stage:
    return Stage(
        _mean(stage.seconds for stage in stages),
        _mean(stage.cpu_seconds for stage in stages),
        _mean(stage.peak_memory for stage in stages),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    return _combined(list(values), lambda known: float(np.mean(known)))


def _combined(values: list[float | None], combine: Callable[[list[float]], float]) -> float | None:
    known = [value for value in values if value is not None]
    return combine(known) if len(known) == len(values) else None
