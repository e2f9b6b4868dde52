"""The stages before an agent, for an experiment: rollouts, and the encoders made from them."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from agents.agent import Agent
from agents.experiment import ArmName, Experiment, check_same_settings
from worldvae.autoencoders import Encoder
from worldvae.config import UserError
from worldvae.files import atomic_write_text
from worldvae.pretraining import leave_untrained, pretrain
from worldvae.rollouts import RolloutStore, collect

MADE_FROM = ("seed", "env", "rollouts", "pretrain")
"""Sections of the config that decide an encoder."""

# What the three layers of the Nature CNN (Mnih et al. 2015) leave at least one position of.
SMALLEST_CNN_FRAME = 36


def prepare(experiment: Experiment, arms: Collection[ArmName]) -> None:
    """Make the rollouts and encoders that `arms` need and that are missing."""
    frame = experiment.env.frame
    if "pixels" in arms and min(frame.height, frame.width) < SMALLEST_CNN_FRAME:
        raise UserError(
            f"env.frame is {frame.height}x{frame.width}: the pixels arm's stock CnnPolicy needs "
            f"at least {SMALLEST_CNN_FRAME}x{SMALLEST_CNN_FRAME}"
        )
    if "latent" in arms:
        pretrain_encoder(experiment)
    if "random" in arms:
        make_random_encoder(experiment)


def collect_rollouts(experiment: Experiment) -> RolloutStore:
    """Collect what is missing of the experiment's rollouts."""
    folder = experiment.rollouts_folder
    store = RolloutStore.create(folder, experiment.env)
    agent = None
    if experiment.rollouts.agent is not None:
        agent = Agent.load(Path(experiment.rollouts.agent), deterministic=False)
    collect(store, experiment.rollouts, experiment.seed, agent)
    result = {
        "env_steps": store.env_steps,
        "frames": store.num_frames,
        "seconds": sum(record.seconds for record in store.records),
        "episodes": len(store.records),
    }
    atomic_write_text(folder / "result.json", json.dumps(result, indent=1))
    return store


def pretrain_encoder(experiment: Experiment) -> Encoder:
    """The experiment's encoder, trained on its rollouts; both are made if they are missing."""
    folder = experiment.encoder_folder
    check_same_settings(folder / "settings.yaml", experiment, MADE_FROM)
    if (folder / "result.json").exists():
        return Encoder.load(folder)
    return pretrain(collect_rollouts(experiment), experiment.pretrain, folder, experiment.seed)


def make_random_encoder(experiment: Experiment) -> Encoder:
    """The control arm's encoder: the same network, untrained."""
    folder = experiment.random_encoder_folder
    check_same_settings(folder / "settings.yaml", experiment, MADE_FROM)
    if (folder / "config.json").exists():
        return Encoder.load(folder)
    store = collect_rollouts(experiment)
    return leave_untrained(store, experiment.pretrain, folder, experiment.seed)


def describe_encoder(encoder: Encoder, folder: Path) -> str:
    """What was made, in a few lines."""
    card = encoder.card
    active = sum(kl > 0.01 for kl in card.kl)
    return (
        f"{folder}: {encoder.latents} latents of {card.frame}, {active} of them active "
        f"(KL over 0.01 nats)\n"
        f"held-out frames: KL {card.scores['rate']:.1f} nats, PSNR {card.scores['psnr']:.1f} dB\n"
        f"pictures: {folder}/reconstructions.png, traversals.png, samples.png, training.png"
    )
