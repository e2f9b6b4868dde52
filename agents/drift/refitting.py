"""What a refit of an agent's models takes: frames of the agent, fewer steps, and their cost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

from agents.config.experiment import Experiment
from agents.policy.agent import Agent
from agents.policy.resources import PeakMemory, used_cpu
from agents.run.agent_card import AgentCard, own_encoder
from agents.run.stage_results import REFIT, RefitResult, StageCost
from worldvae.autoencoders.config import PretrainConfig
from worldvae.autoencoders.encoder_files import PRETRAINING
from worldvae.autoencoders.pretrain import refit
from worldvae.envs import EnvConfig
from worldvae.rollouts import Record, RolloutConfig, RolloutStore, collect
from worldvae.seeding import derive
from worldvae.torch_seeding import seeded_torch
from worldvae.training.config import FitConfig
from worldvae.training.device import torch_device

Fitted = TypeVar("Fitted", bound=FitConfig)

EVALUATIONS = 4
"""The smallest number of evaluations of a refit, of which the best is kept."""


@dataclass(frozen=True)
class Refitting:
    """What every refit of one agent begins with."""

    folder: Path
    """The agent's folder."""
    env: EnvConfig
    rollouts: RolloutConfig
    """How the first frames were collected."""
    rollouts_folder: Path
    """The frames that the models were first trained on, which all arms share."""
    pretrain: PretrainConfig
    encoder_steps: int
    """The most optimiser steps of a refit of the encoder."""
    device: str

    @classmethod
    def of(cls, experiment: Experiment, folder: Path) -> Refitting:
        """Return what refits of the agent in `folder` begin with."""
        return cls(
            folder=folder,
            env=experiment.env,
            rollouts=experiment.rollouts,
            rollouts_folder=experiment.rollouts_folder,
            pretrain=experiment.pretrain,
            encoder_steps=experiment.drift.refresh_steps,
            device=torch_device(experiment.device),
        )


def collect_as(
    folder: Path,
    store: RolloutStore,
    rollouts: RolloutConfig,
    seed: int,
    earlier: Collection[Record] = (),
) -> StageCost:
    """Collect with the exploring agent in `folder` until `store` holds `rollouts.frames` frames.

    Returns the cost of its episodes, which are all but the `earlier` ones: the store began with
    their lines. Frames tell no episode, since a world may begin twice alike. Memory is
    measured by `refitted`.
    """

    def own() -> list[Record]:
        return [record for record in store.records if record not in earlier]

    def seconds() -> float:
        return sum(record.seconds for record in own())

    # The CPU seconds of a killed part are unknown; it is taken to have been busy all the time.
    before, start = seconds(), used_cpu()
    agent = Agent.load(folder, deterministic=False)
    with seeded_torch(derive(seed, "actions", store.next_number)):
        collect(store, rollouts, seed, agent)
    env_steps = store.env.action_repeat * sum(record.length for record in own())
    return StageCost(env_steps, seconds(), before + used_cpu() - start, None)


def agent_rollouts(rollouts: RolloutConfig, frames: int) -> RolloutConfig:
    """Return how an agent collects `frames` frames: as `rollouts`, with no other policy."""
    return RolloutConfig(
        frames=frames,
        num_envs=rollouts.num_envs,
        policies={"agent": 1.0},
        agent="its own folder",
        epsilon=rollouts.epsilon,
        state=rollouts.state,
    )


def refit_config(config: Fitted, steps: int) -> Fitted:
    """Return the configuration of a training with `steps` optimiser steps, and often judged."""
    every = min(config.evaluate_every, max(1, steps // EVALUATIONS))
    values = config.model_dump(by_alias=True)
    return type(config).model_validate({**values, "steps": steps, "evaluate_every": every})


def refit_encoder(
    refitting: Refitting, card: AgentCard, stores: Sequence[RolloutStore], target: Path
) -> StageCost:
    """Train the agent's encoder on, with `stores`, into `target`; return the cost."""
    seed = derive(card.seed, "refit", card.refreshes)
    config = refit_config(refitting.pretrain, refitting.encoder_steps)
    before = own_encoder(refitting.folder, card)
    refit(before, stores, config, target, seed, refitting.device)
    return StageCost.of_training(PRETRAINING.read(target))


def refitted(target: Path, card: AgentCard, work: Callable[[], StageCost]) -> AgentCard:
    """Let `work` refit an agent's models into the folder `target`, unless that is done already.

    Returns the agent's card with the cost, as `result.json` in `target` states it.
    """
    if not REFIT.is_whole(target):
        with PeakMemory(card.peak_memory) as memory:
            cost = work()
        whole = replace(cost, peak_memory=memory.bytes)
        REFIT.write(target, RefitResult(**asdict(whole)))
    result = REFIT.read(target)
    return card.model_copy(
        update={
            "refreshes": card.refreshes + 1,
            "refresh_env_steps": card.refresh_env_steps + result.env_steps,
            "refresh_seconds": card.refresh_seconds + result.seconds,
            "refresh_cpu_seconds": card.refresh_cpu_seconds + result.cpu_seconds,
            "peak_memory": max(card.peak_memory, result.peak_memory),
        }
    )
