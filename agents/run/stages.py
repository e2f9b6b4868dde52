"""The stages of a comparison as data: who needs each, where its result lies, and what it took.

Charges, tables of costs, and what is missing are made by going through these entries. To add a
stage, add its entry, and to its result a `cost`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agents.arms.registry import ARMS, Arm
from agents.run.agent_result import AgentResult
from agents.run.stage_results import COLLECTION, StageCost
from worldvae.autoencoders.encoder_files import PRETRAINING
from worldvae.json_files import JsonFile


@dataclass(frozen=True)
class SharedStage:
    """A stage that comes before the agents; every seed of an arm that needs it bears all of it."""

    name: str
    activity: str
    """What is done in it, in words for a report."""
    folder: str
    """Of the run, where its file lies."""
    file: JsonFile[Any]
    """With which it is done."""
    cost: Callable[[Any], StageCost]
    """What it took, by the content of that file."""
    needed_by: Callable[[Arm], bool]


@dataclass(frozen=True)
class AgentStage:
    """A stage of the life of each agent."""

    name: str
    cost: Callable[[AgentResult], StageCost]
    is_metered: bool = True
    """Whether its processor time and memory are measured apart."""


SHARED = (
    SharedStage(
        name="collection",
        activity="collecting",
        folder="rollouts",
        file=COLLECTION,
        cost=lambda made: StageCost(
            made.env_steps, made.seconds, made.cpu_seconds, made.peak_memory
        ),
        # An untrained encoder is whitened on the frames.
        needed_by=lambda arm: arm.encoder is not None,
    ),
    SharedStage(
        name="pretraining",
        activity="pretraining",
        folder="encoder",
        file=PRETRAINING,
        # The frames it was trained on are charged as collected.
        cost=lambda made: StageCost(0, made.seconds, made.cpu_seconds, made.peak_memory),
        needed_by=lambda arm: arm.has_trained_encoder,
    ),
)

OF_AGENTS = (
    AgentStage("training", lambda result: result.training_cost),
    AgentStage("refitting", lambda result: result.refitting_cost),
    AgentStage("evaluation", lambda result: result.evaluation_cost, is_metered=False),
)

NAMES = tuple(stage.name for stage in (*SHARED, *OF_AGENTS))
"""Of all stages, in their order."""

METERED = tuple(stage.name for stage in SHARED) + tuple(
    stage.name for stage in OF_AGENTS if stage.is_metered
)


def activities(*stages: SharedStage) -> str:
    """What is done in `stages`, in words: "collecting and pretraining"."""
    *first, last = [stage.activity for stage in stages]
    return f"{', '.join(first)} and {last}" if first else last


def shared_stages(arm: str) -> tuple[SharedStage, ...]:
    """The stages that have to be done before agents of `arm` train; none of an unknown arm."""
    row = ARMS.get(arm)
    return tuple(stage for stage in SHARED if row is not None and stage.needed_by(row))
