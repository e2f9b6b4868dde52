"""Rounds of dreaming: an agent collects in reality, its models are refitted, and it dreams on.

This is the iterative procedure of Ha & Schmidhuber (2018), section 5. The first round dreams of the
experiment's own dynamics; each later one writes into the agent's folder:

round_1/rollouts     the episodes so far, and those that the agent has added
round_1/encoder      the encoder from then on, unless it is kept (dream.refit_encoder)
round_1/dynamics     the dynamics from then on; those of the control arm stay untrained
round_1/result.json  the cost; the round may be dreamed when this file exists
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from stable_baselines3.common.callbacks import BaseCallback

from agents.arms.registry import Arm
from agents.config.agent import ALGORITHMS, AgentConfig
from agents.config.experiment import Experiment
from agents.drift.refitting import (
    Refitting,
    agent_rollouts,
    collect_as,
    refit_config,
    refit_encoder,
    refitted,
)
from agents.run.agent_card import AgentCard, own_dynamics, own_encoder, write_card
from agents.run.stage_results import COLLECTION, NOTHING, StageCost
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.dynamics.checkpoint import hash_dynamics
from worldvae.dynamics.config import DreamConfig, DynamicsConfig
from worldvae.dynamics.dynamics_files import LEARNING
from worldvae.dynamics.learn import learn_dynamics, make_untrained_dynamics
from worldvae.errors import ConfigError
from worldvae.rollouts import RolloutConfig, RolloutStore
from worldvae.rollouts.config import FEWEST_FRAMES
from worldvae.rollouts.grow import begin_with
from worldvae.seeding import derive


@dataclass(frozen=True)
class RoundsTask:
    """The settings of the rounds of one agent that trains in dreams."""

    refitting: Refitting
    dream: DreamConfig
    dynamics: DynamicsConfig
    """How later rounds refit the dynamics."""
    fewest: int
    """The decisions that a round needs for an update of the policy."""
    rollout: int
    """The decisions of a rollout, which is never cut; a round ends between two."""

    @classmethod
    def of(cls, experiment: Experiment, folder: Path) -> RoundsTask:
        """Return the task for the agent in `folder`."""
        dream, dynamics = experiment.dream, experiment.dynamics
        return cls(
            refitting=Refitting.of(experiment, folder),
            dream=dream,
            dynamics=refit_config(dynamics, dream.relearn_steps or dynamics.steps),
            fewest=_fewest(experiment.agent),
            rollout=_rollout(experiment.agent, dream),
        )

    @property
    def folder(self) -> Path:
        """The agent's folder."""
        return self.refitting.folder

    @property
    def action_repeat(self) -> int:
        """The env steps of a decision."""
        return self.refitting.env.action_repeat

    def is_last(self, finished: int) -> bool:
        """Return whether no further round follows the `finished` ones and the present one."""
        return finished + 1 >= self.dream.rounds

    def end(self, finished: int) -> int:
        """Return the dreamed decisions after which the round after `finished` ones is over."""
        decisions = math.ceil(self.dream.env_steps / self.action_repeat)
        return math.ceil(decisions * (finished + 1) / self.dream.rounds)

    def rollouts_of(self, finished: int) -> Path:
        """Return the rollouts on which the models of the round after `finished` ones learned."""
        if not finished:
            return self.refitting.rollouts_folder
        return round_folder(self.folder, finished) / "rollouts"

    def collection(self) -> RolloutConfig:
        """Return how each later round collects: its frames, and in how many environments.

        With `dream.real_steps` they never take more decisions than their share. Raises ConfigError
        if that is too small.
        """
        rollouts = self.refitting.rollouts
        if self.dream.real_steps is None:
            return agent_rollouts(rollouts, rollouts.frames)
        left = self.dream.real_steps - self._collected_steps()
        decisions = left // (self.dream.rounds - 1) // self.action_repeat
        num_envs = max(1, min(rollouts.num_envs, decisions // FEWEST_FRAMES))
        frames = decisions - num_envs + 1  # the last step takes a decision in each environment
        if frames < FEWEST_FRAMES:
            raise ConfigError(
                f"dream.real_steps = {self.dream.real_steps}: the rollouts leave "
                f"{max(0, decisions)} decisions to each of {self.dream.rounds - 1} later rounds, "
                f"too few for {FEWEST_FRAMES} frames; raise it, or lower rollouts.frames"
            )
        fewer = rollouts.model_copy(update={"num_envs": num_envs})
        return agent_rollouts(fewer, frames)

    def check_budget(self, arm: Arm) -> None:
        """Raise ConfigError unless the steps of the configuration suffice for all rounds."""
        if not arm.trains_in_dream:
            return
        dream, spent = self.dream, self._collected_steps()
        if dream.real_steps is not None and spent > dream.real_steps:
            raise ConfigError(
                f"dream.real_steps = {dream.real_steps}: the rollouts took {spent} environment "
                "steps; raise it, or lower rollouts.frames under another --name"
            )
        if dream.rounds > 1:
            self.collection()
            self._check_rounds()

    def _check_rounds(self) -> None:
        """Raise ConfigError unless every round has enough left to dream for an update.

        A round ends one step after the rollout that passes its end, at the next one's expense.
        """
        dream, dreamed = self.dream, 0
        for number in range(dream.rounds):
            left = self.end(number) - dreamed
            if left < self.fewest:
                raise ConfigError(
                    f"dream.env_steps = {dream.env_steps}: round {number + 1} of {dream.rounds} "
                    f"has {max(0, left)} decisions left to dream and needs {self.fewest}, since "
                    f"rounds end between rollouts of {self.rollout} (n_steps x dream.num_envs) and "
                    "a replay buffer is filled with learning_starts first; raise it, or lower "
                    "dream.rounds"
                )
            dreamed += math.ceil(left / self.rollout) * self.rollout + dream.num_envs

    def _collected_steps(self) -> int:
        folder = self.refitting.rollouts_folder
        return COLLECTION.read(folder).env_steps if COLLECTION.exists(folder) else 0


def _fewest(agent: AgentConfig) -> int:
    """Return the fewest decisions of a round by which the policy is updated."""
    replays = ALGORITHMS[agent.algorithm].replays
    return int(agent.arguments["learning_starts"]) + 1 if replays else 1


def _rollout(agent: AgentConfig, dream: DreamConfig) -> int:
    """Return the decisions that all dreams together make before the policy may be updated."""
    if ALGORITHMS[agent.algorithm].replays:
        return dream.num_envs
    return int(agent.arguments["n_steps"]) * dream.num_envs


class RoundEnd(BaseCallback):
    """Stops training once its round is over, when the policy was updated with all of it.

    Args:
        end: The number of decisions, those of earlier rounds included.
    """

    def __init__(self, end: int) -> None:
        super().__init__()
        self._end, self._must_stop = end, False

    def _on_rollout_start(self) -> None:
        self._must_stop = self.num_timesteps >= self._end

    def _on_step(self) -> bool:
        return not self._must_stop


def end_of_round(task: RoundsTask, arm: Arm, card: AgentCard) -> list[BaseCallback]:
    """Return the callback that ends the present round; empty if no other one follows."""
    if not arm.trains_in_dream or task.is_last(card.refreshes):
        return []
    return [RoundEnd(task.end(card.refreshes))]


def is_round_over(task: RoundsTask, arm: Arm, card: AgentCard) -> bool:
    """Return whether the agent has dreamed enough of its round, and another round follows."""
    if not arm.trains_in_dream or task.is_last(card.refreshes):
        return False
    return card.dreamed_steps // task.action_repeat >= task.end(card.refreshes)


def next_round(task: RoundsTask, arm: Arm, card: AgentCard) -> AgentCard:
    """Collect with the agent, refit its encoder and dynamics, and write them to its card.

    A replay buffer is dropped with the models that filled it; the next dream fills another. The
    dynamics of a control arm stay untrained, and that is all that it lacks. If it was interrupted,
    the same call resumes.
    """
    folder, target = task.folder, round_folder(task.folder, card.refreshes + 1)
    charged = refitted(
        target, card, lambda: _collect(task, target, card) + _refit(task, arm, target, card)
    )
    encoder, dynamics = _encoder(task, target, card), target / "dynamics"
    # A buffer holds observations and rewards of the models before.
    card = charged.without_replay.model_copy(
        update={
            "encoder": os.path.relpath(encoder, folder),
            "encoder_sha256": hash_encoder(encoder),
            "dynamics": os.path.relpath(dynamics, folder),
            "dynamics_sha256": hash_dynamics(dynamics),
        }
    )
    write_card(folder, card)
    return card


def round_folder(folder: Path, number: int) -> Path:
    """Return the subfolder for the models of round `number`, from 1 on, of the agent in `folder`.

    Round 0 has the models of the experiment.
    """
    return folder / f"round_{number}"


def _collect(task: RoundsTask, target: Path, card: AgentCard) -> StageCost:
    """Add episodes of the exploring agent to those of the round before; return their cost."""
    source = RolloutStore(task.rollouts_of(card.refreshes))
    store = begin_with(source, target / "rollouts")
    earlier = {*source.records}
    before = sum(record.length + 1 for record in store.records if record in earlier)
    wanted = task.collection()
    wanted = wanted.model_copy(update={"frames": before + wanted.frames})
    seed = derive(card.seed, "round", card.refreshes)
    return collect_as(task.folder, store, wanted, seed, earlier)


def _refit(task: RoundsTask, arm: Arm, target: Path, card: AgentCard) -> StageCost:
    """Refit encoder and dynamics, with all episodes so far; return the cost."""
    store = RolloutStore(target / "rollouts")
    cost = NOTHING
    if task.dream.refit_encoder:
        cost = refit_encoder(task.refitting, card, [store], target / "encoder")
    return cost + _refit_dynamics(task, arm, target, card, store)


def _refit_dynamics(
    task: RoundsTask, arm: Arm, target: Path, card: AgentCard, store: RolloutStore
) -> StageCost:
    """Refit the dynamics; those of a control arm are only made anew, which costs nothing."""
    encoder, folder = _encoder(task, target, card), target / "dynamics"
    seed = derive(card.seed, "dynamics", card.refreshes)
    before = own_dynamics(task.folder, card)
    if arm.has_untrained_dynamics:
        make_untrained_dynamics(store, encoder, task.dynamics, folder, seed, before)
        return NOTHING
    learn_dynamics(store, encoder, task.dynamics, folder, seed, task.refitting.device, before)
    return StageCost.of_training(LEARNING.read(folder))


def _encoder(task: RoundsTask, target: Path, card: AgentCard) -> Path:
    """Return the encoder of the round in `target`: its own, or the one before if that is kept."""
    return target / "encoder" if task.dream.refit_encoder else own_encoder(task.folder, card)
