"""The stages of a comparison as data: who needs each, where its result lies, and what it took.

Charges, tables of costs, and what is missing are made by going through these entries. To add a
stage, add its entry, and to its result a `cost`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agents.arms.registry import ARMS, Arm
from agents.run.stage_results import Collection, Pretraining, StageCost


@dataclass(frozen=True)
class SharedStage:
    """A stage that comes before the agents; every seed of an arm that needs it bears all of it."""

    name: str
    activity: str
    """What is done in it, in words for a report."""
    folder: str
    """Of the run; its `result.json` says what the stage took."""
    result: type[Collection | Pretraining]
    """What `result.json` holds."""
    needed_by: Callable[[Arm], bool]
    remedy: str
    """What can be done about a damaged result."""


class HasStageCosts(Protocol):
    """What the result of an agent says of its stages."""

    @property
    def training_cost(self) -> StageCost:
        """Of training alone."""

    @property
    def refitting_cost(self) -> StageCost:
        """Of refitting the encoder, and collecting for it, while the agent trained."""

    @property
    def evaluation_cost(self) -> StageCost:
        """Of all evaluations, during training and after it."""


@dataclass(frozen=True)
class AgentStage:
    """A stage of the life of each agent."""

    name: str
    cost: Callable[[HasStageCosts], StageCost]
    is_metered: bool = True
    """Whether its processor time and memory are measured apart."""


SHARED = (
    SharedStage(
        name="collection",
        activity="collecting",
        folder="rollouts",
        result=Collection,
        # An untrained encoder is whitened on the frames.
        needed_by=lambda arm: arm.encoder is not None,
        remedy="python -m scripts.collect CONFIG writes it anew",
    ),
    SharedStage(
        name="pretraining",
        activity="pretraining",
        folder="encoder",
        result=Pretraining,
        needed_by=lambda arm: arm.has_trained_encoder,
        remedy="restore it, or remove the folder and pretrain again",
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
