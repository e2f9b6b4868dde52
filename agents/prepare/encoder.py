"""Makes the encoders of an experiment from its rollouts, and checks the trained one."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path

from agents.config.experiment import Experiment, check_settings, record_settings
from agents.prepare.rollouts import collect_rollouts
from agents.prepare.sections import ENCODED_BY, STAGE, making
from agents.run.command import exact_command
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.encoder_files import CONFIG
from worldvae.autoencoders.networks import check_network
from worldvae.autoencoders.pretrain import make_untrained_encoder, pretrain
from worldvae.autoencoders.take import open_fitting, take
from worldvae.diagnostics.health import diagnose, write_health
from worldvae.diagnostics.rules.evidence import HEALTH, Health
from worldvae.files import if_writable
from worldvae.locks import locked
from worldvae.rollouts import RolloutStore
from worldvae.rollouts.findings import check_followed
from worldvae.training.device import torch_device
from worldvae.training.distributed import first_does, own_share


def pretrain_encoder(experiment: Experiment, for_dynamics: bool = False) -> Encoder:
    """Return the experiment's encoder; train or take it and examine it if it is missing.

    Raises ArtifactError before it is trained if it is `for_dynamics` and the rollouts have nothing
    for these to learn.
    Under torchrun the first process does everything but the training, which all processes share.
    """
    folder = experiment.encoder_folder
    check_settings(folder, experiment, ENCODED_BY)
    if first_does(partial(HEALTH.is_whole, folder)):
        return Encoder.load(folder)

    def collected() -> None:
        rollouts = collect_rollouts(experiment)
        if for_dynamics:
            check_followed(rollouts, rollouts.records)

    def examined() -> None:
        record_settings(folder, experiment, ENCODED_BY)
        examine_encoder(experiment, encoder)

    source, config = experiment.encoder, experiment.pretrain
    if source is not None:
        open_fitting(source, config, experiment.env.frame)  # or collecting were in vain
    check_network(config.network, experiment.env.frame.shape)
    first_does(collected)
    store = RolloutStore(experiment.rollouts_folder)
    is_first = own_share().rank == 0
    with locked(folder, "pretraining", STAGE, alone=True) if is_first else nullcontext():
        if source is None:
            device = torch_device(experiment.device)
            encoder = pretrain(store, config, folder, experiment.seed, device)
        else:
            first_does(partial(take, source, store, config, folder, experiment.seed))
            encoder = Encoder.load(folder)
        first_does(examined)
    return encoder


def examine_encoder(experiment: Experiment, encoder: Encoder, supervised: bool = False) -> Health:
    """Check the encoder's health, print the verdict, and write the check to its folder.

    A check that is repeated needs no right to write there; the first makes the encoder finished.
    """
    was_examined = HEALTH.is_whole(experiment.encoder_folder)
    store = RolloutStore(experiment.rollouts_folder)
    health = diagnose(encoder, store, experiment.seed, supervised, exact_command())
    with if_writable() if was_examined else nullcontext():
        write_health(health, experiment.encoder_folder)
    print(health.summary())
    print(f"all of the check: {experiment.encoder_folder}/health.html")
    return health


def prepare_untrained_encoder(experiment: Experiment) -> Encoder:
    """Return the control arm's encoder: the same network with its initial weights."""
    folder = experiment.untrained_encoder_folder
    check_settings(folder, experiment, ENCODED_BY)
    if CONFIG.exists(folder):
        return Encoder.load(folder)
    check_network(experiment.pretrain.network, experiment.env.frame.shape)
    store = collect_rollouts(experiment)
    with making(experiment, folder, ENCODED_BY, "making of an encoder"):
        return make_untrained_encoder(store, experiment.pretrain, folder, experiment.seed)


def describe_encoder(encoder: Encoder, folder: Path) -> str:
    """Describe the encoder in a few lines."""
    card = encoder.card
    return (
        f"{folder}: {encoder.latents} latents of {card.frame}\n"
        f"held-out frames: KL {card.scores['rate']:.1f} nats, PSNR {card.scores['psnr']:.1f} dB\n"
        f"pictures: {folder}/{', '.join(path.name for path in sorted(folder.glob('*.png')))}"
    )
