"""Refits the encoder of an agent whose frames have drifted from those it was trained on.

This is the iterative procedure of Ha & Schmidhuber (2018), section 5: collect with the current
agent, train the model on old and new frames, train the agent on. It writes into the agent's folder:

refresh_1/rollouts     frames of the agent
refresh_1/encoder      the encoder from then on
refresh_1/result.json  the cost; the refit is complete when this file exists
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stable_baselines3.common.callbacks import BaseCallback

from agents.arms.registry import Arm
from agents.config.experiment import Experiment
from agents.config.sections import DriftConfig
from agents.drift.outliers import Outliers
from agents.drift.refitting import (
    Refitting,
    agent_rollouts,
    collect_as,
    refit_encoder,
    refitted,
)
from agents.drift.watch import DriftWatch
from agents.policy.agent import Agent
from agents.run.agent_card import AgentCard, write_card
from agents.run.drift_log import DriftLine, read_lines
from agents.run.stage_results import StageCost
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.diagnostics.drift import refer
from worldvae.rollouts import RolloutStore
from worldvae.seeding import derive


@dataclass(frozen=True)
class DriftTask:
    """The settings for watching and refitting the encoder of one agent."""

    refitting: Refitting
    config: DriftConfig

    @classmethod
    def of(cls, experiment: Experiment, folder: Path) -> DriftTask:
        """Return the task for the agent in `folder`."""
        return cls(Refitting.of(experiment, folder), experiment.drift)

    @property
    def folder(self) -> Path:
        """The agent's folder."""
        return self.refitting.folder

    def stores(self, refits: int) -> list[RolloutStore]:
        """Return all frames behind an encoder that was refitted `refits` times."""
        added = [refit_folder(self.folder, number + 1) / "rollouts" for number in range(refits)]
        return [RolloutStore(path) for path in (self.refitting.rollouts_folder, *added)]

    def may_refit(self, arm: Arm, refits: int) -> bool:
        """Return whether an encoder may be refitted after `refits` earlier times."""
        return self.config.refresh and arm.may_refit and refits < self.config.refreshes


def watch(task: DriftTask, agent: Agent, card: AgentCard) -> list[BaseCallback]:
    """Return the callback that measures an agent's drift.

    Empty if its training encodes no frames, as in a dream.
    """
    if not task.config.every or agent.encode is None or agent.arm.trains_in_dream:
        return []
    encoder = agent.encode.encoder
    current = refit_folder(task.folder, card.refreshes) if card.refreshes else task.folder
    return [
        DriftWatch(
            task.folder,
            task.config,
            card,
            encoder,
            lambda: refer(encoder, task.stores(card.refreshes)),
            Outliers(current / "strangest.npz", card.env_steps),
            may_refit=task.may_refit(agent.arm, card.refreshes),
        )
    ]


def must_refit(task: DriftTask, arm: Arm, card: AgentCard) -> bool:
    """Return whether the newest measurement requires that the agent's encoder is refitted."""
    return arm.may_refit and calls_for_refit(task.config, read_lines(task.folder), card.refreshes)


def calls_for_refit(config: DriftConfig, lines: Sequence[DriftLine], refits: int) -> bool:
    """Return whether the newest of `lines` requires a refit after `refits` earlier ones."""
    if not config.refresh or refits >= config.refreshes or not lines:
        return False
    last = lines[-1]
    return last.refreshes == refits and last.strange > config.warn_share


def refit_drifted(task: DriftTask, card: AgentCard) -> AgentCard:
    """Collect with the agent, refit its encoder, and write the new encoder to its card.

    If it was interrupted, the same call resumes.
    """
    folder, target = task.folder, refit_folder(task.folder, card.refreshes + 1)
    charged = refitted(
        target, card, lambda: _collect(task, target, card) + _refit(task, target, card)
    )
    encoder = target / "encoder"
    path, digest = os.path.relpath(encoder, folder), hash_encoder(encoder)
    card = charged.model_copy(update={"encoder": path, "encoder_sha256": digest})
    write_card(folder, card)
    return card


def refit_folder(folder: Path, number: int) -> Path:
    """Return the subfolder for refit `number`, from 1 on, of the agent in `folder`."""
    return folder / f"refresh_{number}"


def _collect(task: DriftTask, target: Path, card: AgentCard) -> StageCost:
    """Collect frames with the exploring agent; return the cost."""
    store = RolloutStore.create(target / "rollouts", task.refitting.env)
    rollouts = agent_rollouts(task.refitting.rollouts, task.config.refresh_frames)
    return collect_as(task.folder, store, rollouts, derive(card.seed, "refresh", card.refreshes))


def _refit(task: DriftTask, target: Path, card: AgentCard) -> StageCost:
    """Train an encoder on old and new frames; return the cost."""
    stores = task.stores(card.refreshes + 1)
    return refit_encoder(task.refitting, card, stores, target / "encoder")
