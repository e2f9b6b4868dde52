"""The stages of a comparison as data: the arms that need each, the file of its result, its cost.

Charges, tables of costs, and lists of what is missing iterate over these entries. To add a stage,
add its entry, and a `cost` to its result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agents.arms.registry import ARMS, Arm
from agents.run.agent_result import AgentResult
from agents.run.stage_results import COLLECTION, NOTHING, StageCost
from worldvae.autoencoders.encoder_files import PRETRAINING
from worldvae.dynamics.dynamics_files import LEARNING
from worldvae.json_files import JsonFile


@dataclass(frozen=True)
class SharedStage:
    """A stage before the agents; each seed of an arm that needs it is charged its full cost."""

    name: str
    activity: str
    """The activity in words, for a report, such as "collecting"."""
    folder: str
    """The folder of its file, relative to the run's."""
    file: JsonFile[Any]
    """The file that marks the stage as done."""
    cost: Callable[[Any], StageCost]
    """Returns the cost from the content of that file."""
    needed_by: Callable[[Arm], bool]


@dataclass(frozen=True)
class AgentStage:
    """A stage that each agent passes through."""

    name: str
    cost: Callable[[AgentResult], StageCost]
    is_metered: bool = True
    """Whether its CPU time and memory are measured separately."""


SHARED = (
    SharedStage(
        name="collection",
        activity="collecting",
        folder="rollouts",
        file=COLLECTION,
        cost=lambda result: StageCost(
            result.env_steps, result.seconds, result.cpu_seconds, result.peak_memory
        ),
        # An untrained encoder is whitened on the frames.
        needed_by=lambda arm: arm.encoder is not None,
    ),
    SharedStage(
        name="pretraining",
        activity="pretraining",
        folder="encoder",
        file=PRETRAINING,
        cost=lambda result: NOTHING if result.taken_from else StageCost.of_training(result),
        needed_by=lambda arm: arm.has_trained_encoder,
    ),
    SharedStage(
        name="dynamics",
        activity="learning the dynamics",
        folder="dynamics",
        file=LEARNING,
        cost=StageCost.of_training,
        needed_by=lambda arm: arm.has_trained_dynamics,
    ),
)

OF_AGENTS = (
    AgentStage("training", lambda result: result.training_cost),
    AgentStage("refitting", lambda result: result.refitting_cost),
    AgentStage("evaluation", lambda result: result.evaluation_cost, is_metered=False),
)

NAMES = tuple(stage.name for stage in (*SHARED, *OF_AGENTS))
"""The names of all stages in their order."""

METERED = tuple(stage.name for stage in SHARED) + tuple(
    stage.name for stage in OF_AGENTS if stage.is_metered
)


def activities(*stages: SharedStage) -> str:
    """Return the activities of `stages` in words: "collecting and pretraining"."""
    *first, last = [stage.activity for stage in stages]
    return f"{', '.join(first)} and {last}" if first else last


def shared_stages(arm: str) -> tuple[SharedStage, ...]:
    """Return the stages that precede the training of `arm`; none for an unknown arm."""
    row = ARMS.get(arm)
    return tuple(stage for stage in SHARED if row is not None and stage.needed_by(row))
