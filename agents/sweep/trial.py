"""One trial: an encoder of one beta trained and measured, in a process of its own."""

from __future__ import annotations

from agents.config.experiment import Experiment
from agents.prepare import STAGE
from agents.sweep.points import HEALTH, Setting
from worldvae.autoencoders.config import PretrainConfig
from worldvae.autoencoders.pretrain import pretrain
from worldvae.checksum import write_checked
from worldvae.diagnostics.health import diagnose
from worldvae.files import locked
from worldvae.rollouts import RolloutStore
from worldvae.training.device import torch_device


def config_of(experiment: Experiment, setting: Setting) -> PretrainConfig:
    """The experiment's pretraining with another beta and number of latents."""
    objective = experiment.pretrain.objective.model_copy(update={"beta": setting.beta})
    changed = {"objective": objective, "latents": setting.latents}
    return experiment.pretrain.model_copy(update=changed)


def run_trial(experiment: Experiment, setting: Setting) -> None:
    """Leave encoder and health.json in the trial's folder."""
    folder = experiment.sweep_folder / setting.name
    store, config = RolloutStore(experiment.rollouts_folder), config_of(experiment, setting)
    with locked(folder, "trial", STAGE, alone=True):
        encoder = pretrain(store, config, folder, experiment.seed, torch_device(experiment.device))
        health = diagnose(encoder, store, experiment.seed)
        write_checked(folder / HEALTH, health)
