"""Prepares what agents need: rollouts, and the encoders made from them."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from agents.arms.build import ArmSetup, check_state, set_up
from agents.config.experiment import Experiment, check_settings, record_settings
from agents.policy.agent import Agent
from agents.policy.resources import PeakMemory, used_cpu
from agents.report.sections.encoder import ACTIVE_NATS
from agents.run.agent_card import read_card
from agents.run.collection import (
    CollectionCost,
    is_collected,
    lost_since,
    read_collection_result,
    recorded,
)
from agents.run.command import exact_command
from agents.run.load import read_run
from agents.run.stage_results import COLLECTION, CollectionResult
from agents.run.stages import shared_stages
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.encoder_files import CONFIG
from worldvae.autoencoders.pretrain import leave_untrained, pretrain
from worldvae.diagnostics.health import diagnose, write_health
from worldvae.diagnostics.rules.evidence import HEALTH, Health
from worldvae.envs import EnvConfig, make_env
from worldvae.errors import ArtifactError, ConfigError
from worldvae.files import locked
from worldvae.rollouts import RolloutConfig, RolloutStore, collect
from worldvae.seeding import derive
from worldvae.torch_seeding import seeded_torch
from worldvae.training.device import torch_device
from worldvae.training.distributed import first_does, own_share
from worldvae.versions import library_versions
from worldvae.wrappers.sb3 import check_keys

# The sections of the config that decide the rollouts, and an encoder made from them.
COLLECTED_BY = ("seed", "env", "rollouts")
ENCODED_BY = (*COLLECTED_BY, "pretrain")

STAGE = ".stage.lock"
"""The lock of a stage from the check of its settings until it is done.

Whatever writes the files meanwhile holds the folder's own lock.
"""

# What the three layers of the Nature CNN (Mnih et al. 2015) leave at least one position of.
SMALLEST_CNN_FRAME = 36


def prepare(experiment: Experiment, arms: Collection[str]) -> None:
    """Make the missing rollouts and encoders that `arms` need."""
    setups = [set_up(experiment, arm) for arm in arms]
    for setup in setups:
        check_state(setup)
        if setup.arm.observes == "frames":
            _check_frames(setup)
    if any(setup.arm.has_trained_encoder for setup in setups):
        pretrain_encoder(experiment)
    if any(setup.arm.has_untrained_encoder for setup in setups):
        make_untrained_encoder(experiment)


def _check_frames(setup: ArmSetup) -> None:
    """Raise ConfigError if Stable-Baselines3's image policies do not support the frames."""
    frame, arm, stack = setup.env.frame, setup.arm, setup.stack
    if not arm.learns_encoder and min(frame.height, frame.width) < SMALLEST_CNN_FRAME:
        raise ConfigError(
            f"env.frame is {frame.height}x{frame.width}: the stock CnnPolicy of the arm {arm.name} "
            f"needs at least {SMALLEST_CNN_FRAME}x{SMALLEST_CNN_FRAME}"
        )
    channels = stack * frame.shape[2]
    if channels >= min(frame.height, frame.width):
        raise ConfigError(
            f"the arm {arm.name}: {stack} frames (agent.stack) have {channels} channels, and "
            "Stable-Baselines3 takes the smallest side of an image for its channels; use a "
            "smaller stack"
        )


def collect_rollouts(experiment: Experiment) -> RolloutStore:
    """Collect the missing part of the experiment's rollouts; return all of them."""
    env = make_env(experiment.env)  # a mistake is told before a folder is made for it
    env.close()
    check_keys(env.observation_space)
    folder, policy = experiment.rollouts_folder, _without_amounts(experiment)
    check_settings(folder / "settings.yaml", policy, COLLECTED_BY)
    store = _complete(folder, experiment.env, experiment.rollouts.frames)
    if store is not None:
        return store
    with locked(folder, "collection", STAGE, alone=True):
        check_settings(folder / "settings.yaml", policy, COLLECTED_BY)
        store = RolloutStore.create(folder, experiment.env)
        record_settings(folder / "settings.yaml", policy, COLLECTED_BY)
        _collect(store, experiment.rollouts, experiment.seed)
    return store


def _complete(folder: Path, env: EnvConfig, frames: int) -> RolloutStore | None:
    """Return the rollouts in `folder` if they have at least `frames` frames, else None."""
    if not COLLECTION.is_whole(folder):
        return None
    store = RolloutStore.create(folder, env)
    return store if is_collected(store, frames) else None


def _collect(store: RolloutStore, config: RolloutConfig, seed: int) -> None:
    """Add the missing frames to `store`, and record the cost of all frames."""
    folder = store.folder
    agent, before = None, CollectionCost()
    if config.agent is not None:
        path = Path(config.agent)
        agent, before = Agent.load(path, store.env, deterministic=False), _cost_of_agent(path)
    with store.writing():  # lists what a kill has left
        earlier_result = read_collection_result(folder)
        lost = lost_since(earlier_result, store, before)
    earlier, start = recorded(earlier_result, store, before), used_cpu()
    noise = derive(seed, "actions", store.next_number)
    with PeakMemory(earlier.peak_memory) as memory, seeded_torch(noise):
        collect(store, config, seed, agent)
    spent = earlier.cpu_seconds
    cpu = None if spent is None else spent + used_cpu() - start
    seconds = sum(record.seconds for record in store.records)
    result = CollectionResult(
        env_steps=before.env_steps + store.env_steps + lost.env_steps,
        frames=store.num_frames,
        episodes=len(store.records),
        seconds=before.seconds + seconds + lost.seconds,
        cpu_seconds=cpu,
        peak_memory=memory.bytes,
        command=exact_command(),
        versions=library_versions(),
    )
    COLLECTION.write(folder, result)


def _cost_of_agent(agent: Path) -> CollectionCost:
    """Return the cost of the agent in a run's folder, including that of its encoder.

    It is part of the cost of the frames that the agent collects.
    """
    card, run = read_card(agent), read_run((agent / "../../..").resolve())
    if run.damage:  # its price would be told too low
        raise ArtifactError(next(iter(run.damage.values())))
    charge, needed = run.charge(card.arm), shared_stages(card.arm)
    cpu = [
        run.stages[stage.name].cpu_seconds if stage.name in run.stages else None for stage in needed
    ]
    known = [seconds for seconds in cpu if seconds is not None]
    return CollectionCost(
        card.env_steps + card.refresh_env_steps + charge.env_steps,
        card.seconds + card.refresh_seconds + charge.seconds,
        card.cpu_seconds + card.refresh_cpu_seconds + sum(known) if known == cpu else None,
    )


def pretrain_encoder(experiment: Experiment) -> Encoder:
    """Return the experiment's encoder; train and examine it if it is missing.

    Under torchrun the first process does everything but the training, which all processes share.
    """
    folder = experiment.encoder_folder
    check_settings(folder / "settings.yaml", experiment, ENCODED_BY)
    if first_does(partial(HEALTH.is_whole, folder)):
        return Encoder.load(folder)

    def collected() -> None:
        collect_rollouts(experiment)

    def examined() -> None:
        record_settings(folder / "settings.yaml", experiment, ENCODED_BY)
        examine_encoder(experiment, encoder)

    first_does(collected)
    store, config = RolloutStore(experiment.rollouts_folder), experiment.pretrain
    is_first = own_share().rank == 0
    with locked(folder, "pretraining", STAGE, alone=True) if is_first else nullcontext():
        encoder = pretrain(store, config, folder, experiment.seed, torch_device(experiment.device))
        first_does(examined)
    return encoder


def examine_encoder(experiment: Experiment, encoder: Encoder, supervised: bool = False) -> Health:
    """Check the encoder's health, print the verdict, and write the check to its folder."""
    store = RolloutStore(experiment.rollouts_folder)
    health = diagnose(encoder, store, experiment.seed, supervised)
    health = health.model_copy(update={"command": exact_command()})
    write_health(health, experiment.encoder_folder)
    print(health.summary())
    print(f"all of the check: {experiment.encoder_folder}/health.html")
    return health


def make_untrained_encoder(experiment: Experiment) -> Encoder:
    """Return the control arm's encoder: the same network with its initial weights."""
    folder = experiment.untrained_encoder_folder
    check_settings(folder / "settings.yaml", experiment, ENCODED_BY)
    if CONFIG.exists(folder):
        return Encoder.load(folder)
    store = collect_rollouts(experiment)
    with locked(folder, "making of an encoder", STAGE, alone=True):
        check_settings(folder / "settings.yaml", experiment, ENCODED_BY)
        record_settings(folder / "settings.yaml", experiment, ENCODED_BY)
        return leave_untrained(store, experiment.pretrain, folder, experiment.seed)


def _without_amounts(experiment: Experiment) -> Experiment:
    """Return the experiment with default amounts, which may change between collections."""
    defaults = {"frames": RolloutConfig().frames, "num_envs": RolloutConfig().num_envs}
    rollouts = experiment.rollouts.model_copy(update=defaults)
    return experiment.model_copy(update={"rollouts": rollouts})


def describe_encoder(encoder: Encoder, folder: Path) -> str:
    """Describe the encoder in a few lines."""
    card = encoder.card
    active = sum(kl > ACTIVE_NATS for kl in card.kl)
    active_part = f", {active} of them active (KL over {ACTIVE_NATS} nats)" if any(card.kl) else ""
    return (
        f"{folder}: {encoder.latents} latents of {card.frame}{active_part}\n"
        f"held-out frames: KL {card.scores['rate']:.1f} nats, PSNR {card.scores['psnr']:.1f} dB\n"
        f"pictures: {folder}/reconstructions.png, traversals.png, samples.png, training.png"
    )
