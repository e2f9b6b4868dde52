"""One agent to train: what it begins with, and the checkpoint from which it goes on."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path

from agents.arms.build import ArmSetup, set_up
from agents.config.experiment import Experiment
from agents.config.sections import EvaluationConfig
from agents.dream.rounds import RoundsTask
from agents.drift.task import DriftTask
from agents.run.agent_card import AGENT_CARD, AgentCard, own_dynamics, own_encoder, read_card
from agents.run.agent_files import agent_folders
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.dynamics.checkpoint import hash_dynamics
from worldvae.errors import ArtifactError


@dataclass(frozen=True)
class AgentTask:
    """One agent to train, resolved from an experiment."""

    folder: Path
    seed: int
    setup: ArmSetup
    """The setup with the encoder and the dynamics that the arm begins with."""
    evaluation: EvaluationConfig
    drift: DriftTask
    rounds: RoundsTask
    command: str
    """The command that the result names as its origin."""

    @classmethod
    def of(cls, experiment: Experiment, arm: str, seed: int, command: str) -> AgentTask:
        """Return the task for the agent of `arm` and `seed`."""
        folder, setup = experiment.agent_folder(arm, seed), set_up(experiment, arm)
        return cls._of(experiment, folder, setup, seed, command)

    @classmethod
    def on_encoder(
        cls, experiment: Experiment, arm: str, seed: int, command: str, encoder: Path
    ) -> AgentTask:
        """Return the task for an agent on another encoder than the experiment's.

        The agent's folder lies in that of its `encoder`.
        """
        folder = encoder / "agents" / arm / f"seed_{seed}"
        setup = replace(set_up(experiment, arm), encoder=encoder)
        return cls._of(experiment, folder, setup, seed, command)

    @classmethod
    def _of(
        cls, experiment: Experiment, folder: Path, setup: ArmSetup, seed: int, command: str
    ) -> AgentTask:
        drift, rounds = DriftTask.of(experiment, folder), RoundsTask.of(experiment, folder)
        return cls(folder, seed, setup, experiment.evaluation, drift, rounds, command)

    def setup_now(self, card: AgentCard) -> ArmSetup:
        """Return the setup with the agent's present encoder and dynamics, refitted or not."""
        if not card.refreshes:
            return self.setup
        dynamics = own_dynamics(self.folder, card) if card.dynamics else None
        return replace(self.setup, encoder=own_encoder(self.folder, card), dynamics=dynamics)

    def remaining(self, card: AgentCard) -> int:
        """Return the number of decisions, real or dreamed, that are left to train."""
        repeat = self.setup.env.action_repeat
        decisions = math.ceil(self.setup.agent.env_steps / repeat)
        return max(0, decisions - card.trained_steps // repeat)


def resume_or_begin(task: AgentTask) -> AgentCard:
    """Return the card of the last checkpoint, or a new one.

    Raises ArtifactError if the encoder or the dynamics changed since the agent was begun, or since
    others of its run were.
    """
    folder, new = task.folder, new_card(task)
    if not AGENT_CARD.exists(folder):
        _check_others(task, new)
        return new
    card = read_card(folder)
    now = task.setup_now(card)
    encoder = hash_encoder(now.encoder) if card.refreshes and now.encoder else new.encoder_sha256
    if card.encoder_sha256 != encoder:
        raise _begun_with_another(folder, "encoder", now.encoder)
    dynamics = (
        hash_dynamics(now.dynamics) if card.refreshes and now.dynamics else new.dynamics_sha256
    )
    if card.dynamics_sha256 != dynamics:
        raise _begun_with_another(folder, "model of the dynamics", now.dynamics)
    return card


def new_card(task: AgentTask) -> AgentCard:
    """Return the card of an agent before its training."""
    setup, encoder, dynamics = task.setup, task.setup.encoder, task.setup.dynamics
    return AgentCard(
        arm=setup.arm.name,
        algorithm=setup.agent.algorithm,
        seed=task.seed,
        env=setup.env,
        stack=setup.stack,
        whiten=setup.whitens,
        # As seen from the agent's folder, so that a run can be moved.
        encoder=None if encoder is None else os.path.relpath(encoder, task.folder),
        encoder_sha256=None if encoder is None else hash_encoder(encoder),
        dynamics=None if dynamics is None else os.path.relpath(dynamics, task.folder),
        dynamics_sha256=None if dynamics is None else hash_dynamics(dynamics),
    )


def _check_others(task: AgentTask, new: AgentCard) -> None:
    """Raise ArtifactError if another agent of the run learned on what a folder held before.

    Seeds of an arm would be of two encoders then, where the report says that they share one.
    """
    now = _learned_on(task.folder, new)
    for folder in agent_folders(task.folder.parents[2]):
        if not AGENT_CARD.is_whole(folder):
            continue  # who needs a damaged card says so
        before = _learned_on(folder, read_card(folder))
        for path, digest in now.items():
            if before.get(path, digest) != digest:
                raise ArtifactError(
                    f"{folder} was trained on what {path} held before it was made anew, so that "
                    "agents of both could not be compared; remove it to train it again, or choose "
                    "another --name"
                )


def _learned_on(folder: Path, card: AgentCard) -> dict[Path, str | None]:
    """Return the folders of the encoder and the dynamics of an agent, and the hash of each."""
    encoder = {own_encoder(folder, card): card.encoder_sha256} if card.encoder else {}
    dynamics = {own_dynamics(folder, card): card.dynamics_sha256} if card.dynamics else {}
    return encoder | dynamics


def _begun_with_another(folder: Path, what: str, path: Path | None) -> ArtifactError:
    return ArtifactError(
        f"{folder} was begun with another {what} than the one in {path}; remove it to train again"
    )
