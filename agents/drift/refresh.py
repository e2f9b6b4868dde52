"""Refit the encoder of an agent that has left its training frames behind, and let it go on.

The iterative procedure of Ha & Schmidhuber (2018), section 5: collect with the current agent, train
the model on old and new frames, train the agent on. In the agent's folder:

refresh_1/rollouts     what the agent showed
refresh_1/encoder      the encoder from then on
refresh_1/result.json  what it cost; with it this refresh is done
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback

from agents.config.experiment import Experiment
from agents.drift.log import calls_for_refresh, read_lines
from agents.drift.outliers import Outliers
from agents.drift.watch import DriftWatch
from agents.drift.whitening import keep_units
from agents.policy.agent import Agent
from agents.policy.card import AgentCard, own_encoder, write_card
from agents.policy.resources import PeakMemory, used_cpu
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.config import PretrainConfig
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.pretrain import PRETRAIN_AGAIN, refit
from worldvae.checksum import is_intact, read_checked, write_checked
from worldvae.diagnostics.drift import Reference, refer
from worldvae.rollouts import RolloutConfig, RolloutStore, collect
from worldvae.seeding import derive
from worldvae.torch_seeding import seeded_torch
from worldvae.training.device import torch_device

EVALUATIONS = 4
"""Of a refit at least; its best one is kept."""


def watch(
    experiment: Experiment, folder: Path, agent: Agent, card: AgentCard
) -> list[BaseCallback]:
    """What measures the drift of an agent that sees latents; nothing for the others."""
    config = experiment.drift
    if not config.every or agent.encode is None:
        return []
    encoder = agent.encode.encoder
    own = refresh_folder(folder, card.refreshes) if card.refreshes else folder
    return [
        DriftWatch(
            folder,
            config,
            card,
            encoder,
            partial(_reference, encoder, experiment, folder, card.refreshes),
            Outliers(own / "strangest.npz", card.env_steps),
            may_refit=may_refresh(experiment, card),
        )
    ]


def may_refresh(experiment: Experiment, card: AgentCard) -> bool:
    """Whether the encoder of the agent would be refitted if it drifted."""
    config = experiment.drift
    return config.refresh and card.arm == "latent" and card.refreshes < config.refreshes


def must_refresh(experiment: Experiment, folder: Path, card: AgentCard) -> bool:
    """Whether its newest measurement asks for it."""
    lines = read_lines(folder)
    return may_refresh(experiment, card) and calls_for_refresh(
        experiment.drift, lines, card.refreshes
    )


def refresh(experiment: Experiment, folder: Path, card: AgentCard) -> AgentCard:
    """Collect with the agent in `folder`, refit its encoder, and name the new one in its card.

    Killed at any moment, the same call goes on.
    """
    own = refresh_folder(folder, card.refreshes + 1)
    if not is_intact(own / "result.json"):
        with PeakMemory(card.peak_memory) as memory:
            costs = _collect(experiment, folder, own, card)
            refitted = _refit(experiment, folder, own, card)
            result = {**_sum(costs, refitted), "peak_memory": memory.bytes}
        write_checked(own / "result.json", result)
    result = read_checked(own / "result.json", f"delete it to refit {folder} again")
    card = card.model_copy(
        update={
            "encoder": os.path.relpath(own / "encoder", folder),
            "encoder_sha256": hash_encoder(own / "encoder"),
            "refreshes": card.refreshes + 1,
            "refresh_env_steps": card.refresh_env_steps + result["env_steps"],
            "refresh_seconds": card.refresh_seconds + result["seconds"],
            "refresh_cpu_seconds": card.refresh_cpu_seconds + result["cpu_seconds"],
            "peak_memory": max(card.peak_memory, result["peak_memory"]),
        }
    )
    write_card(folder, card)
    return card


def refresh_folder(folder: Path, number: int) -> Path:
    """Where the agent in `folder` keeps what belongs to its refresh `number`, from 1 on."""
    return folder / f"refresh_{number}"


def stores_of(experiment: Experiment, folder: Path, refreshes: int) -> list[RolloutStore]:
    """All frames behind the encoder of an agent that was refitted so often."""
    own = [refresh_folder(folder, number + 1) / "rollouts" for number in range(refreshes)]
    return [RolloutStore(path) for path in (experiment.rollouts_folder, *own)]


def _reference(encoder: Encoder, experiment: Experiment, folder: Path, refreshes: int) -> Reference:
    return refer(encoder, stores_of(experiment, folder, refreshes))


def _collect(experiment: Experiment, folder: Path, own: Path, card: AgentCard) -> dict[str, float]:
    """Frames of the agent as it explores, and what they cost."""
    rollouts = RolloutConfig(
        frames=experiment.drift.refresh_frames,
        num_envs=experiment.rollouts.num_envs,
        policies={"agent": 1.0},
        agent=str(folder),
        epsilon=experiment.rollouts.epsilon,
    )
    seed = derive(card.seed, "refresh", card.refreshes)
    store = RolloutStore.create(own / "rollouts", experiment.env)
    # Of a part that was killed the processor seconds are not known: it was busy all the time.
    before, began = sum(record.seconds for record in store.records), used_cpu()
    agent = Agent.load(folder, deterministic=False)
    with seeded_torch(derive(seed, "actions", store.next_number)):
        collect(store, rollouts, seed, agent)
    return {
        "env_steps": store.env_steps,
        "seconds": sum(record.seconds for record in store.records),
        "cpu_seconds": before + used_cpu() - began,
    }


def _refit(experiment: Experiment, folder: Path, own: Path, card: AgentCard) -> dict[str, Any]:
    """An encoder of old and new frames, and what it cost."""
    stores = stores_of(experiment, folder, card.refreshes + 1)
    seed = derive(card.seed, "refit", card.refreshes)
    device = torch_device(experiment.device)
    before = own_encoder(folder, card)
    refit(before, stores, refit_config(experiment), own / "encoder", seed, device)
    keep_units(before, own / "encoder", stores[-1])
    again = PRETRAIN_AGAIN.format(folder=own / "encoder")
    result = read_checked(own / "encoder/result.json", again)
    return {
        "env_steps": 0,
        "seconds": result["seconds"],
        "cpu_seconds": result["cpu_seconds"],
    }


def refit_config(experiment: Experiment) -> PretrainConfig:
    """That of pretraining, but for how long."""
    steps = experiment.drift.refresh_steps
    every = min(experiment.pretrain.evaluate_every, max(1, steps // EVALUATIONS))
    values = experiment.pretrain.model_dump(by_alias=True)
    return PretrainConfig.model_validate({**values, "steps": steps, "evaluate_every": every})


def _sum(*costs: dict[str, float]) -> dict[str, float]:
    return {name: sum(cost[name] for cost in costs) for name in costs[0]}
