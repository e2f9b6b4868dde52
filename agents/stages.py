"""The stages before an agent: rollouts, and the encoders made from them. Done is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path

import numpy as np

from agents.agent import Agent
from agents.experiment import ArmName, Experiment, check_same_settings
from worldvae.autoencoders import Autoencoder, Encoder, FrameOrigin, summarise
from worldvae.config import UserError
from worldvae.envs import source_shape
from worldvae.files import atomic_file, atomic_write_text, locked, read_jsonl
from worldvae.pictures import DPI, training_figure
from worldvae.rollouts import RolloutStore, StoredFrames, collect
from worldvae.training import CHECKPOINT, fit

MADE_FROM = ("seed", "env", "rollouts", "pretrain")
"""Sections of the config that decide an encoder."""

PICTURED = 10
SMALLEST_CNN_FRAME = 36  # what the three layers of the Nature CNN (Mnih et al. 2015) leave >= 1 of


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
    store = collect_rollouts(experiment)
    with locked(folder, "pretraining"):
        train, validation, origin = _sources(store)
        config = experiment.pretrain.autoencoder
        model = Autoencoder(config, origin.frame.shape, experiment.seed)
        fitted = fit(model, train, validation, experiment.pretrain.fitting, folder, experiment.seed)
        encoder = Encoder(model, summarise(model, train, validation, origin, trained=True))
        encoder.save(folder)
        _draw(encoder, validation, folder, experiment.seed)
        result = {
            "seconds": fitted.seconds,
            "steps": fitted.steps,
            "stopped": fitted.stopped,
            "best_step": fitted.best_step,
            "metrics": fitted.metrics,
            "parameters": sum(weight.numel() for weight in model.parameters()),
        }
        atomic_write_text(folder / "result.json", json.dumps(result, indent=1))
        (folder / CHECKPOINT).unlink(missing_ok=True)  # resuming is over; it is the largest file
    return encoder


def make_random_encoder(experiment: Experiment) -> Encoder:
    """The control arm's encoder: the same network untrained, whitened on the same frames."""
    folder = experiment.random_encoder_folder
    check_same_settings(folder / "settings.yaml", experiment, MADE_FROM)
    if (folder / "config.json").exists():
        return Encoder.load(folder)
    train, validation, origin = _sources(collect_rollouts(experiment))
    config = experiment.pretrain.autoencoder
    encoder = Encoder.untrained(config, origin, train, validation, experiment.seed)
    encoder.save(folder)
    return encoder


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


def _sources(store: RolloutStore) -> tuple[StoredFrames, StoredFrames, FrameOrigin]:
    """Frames to train on, frames held out, and where they came from; damaged episodes left out."""
    records = store.healthy()
    train, validation = (StoredFrames(store, split, records) for split in ("train", "validation"))
    if not len(train) or not len(validation):
        raise UserError(
            f"{store.folder}: {len(records)} whole episodes are too few to hold some out "
            "for validation; collect at least 10 (a larger rollouts.frames)"
        )
    digest = hashlib.sha256("".join(record.frames_sha256 for record in records).encode())
    origin = FrameOrigin(
        frame=store.env.frame,
        source_shape=source_shape(store.env),
        env_id=store.env.id,
        data_sha256=digest.hexdigest(),
    )
    return train, validation, origin


def _draw(encoder: Encoder, validation: StoredFrames, folder: Path, seed: int) -> None:
    """Reconstructions, samples, traversals and learning curves, as PNG."""
    chosen = np.linspace(0, len(validation) - 1, PICTURED).astype(np.int64)
    figures = encoder.pictures(validation.gather(chosen), seed)
    figures["training"] = training_figure(read_jsonl(folder / "metrics.jsonl"))
    for name, figure in figures.items():
        with atomic_file(folder / f"{name}.png") as file:
            figure.savefig(file, format="png", dpi=DPI)
