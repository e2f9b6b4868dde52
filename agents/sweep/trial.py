"""One trial of a sweep: trains and measures an encoder with one beta."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agents.config.experiment import Experiment
from agents.config.sections import SweepConfig
from agents.prepare import STAGE
from agents.sweep.points import Setting
from worldvae.autoencoders.config import PretrainConfig
from worldvae.autoencoders.pretrain import pretrain
from worldvae.diagnostics.health import diagnose
from worldvae.diagnostics.rules.evidence import HEALTH
from worldvae.locks import locked
from worldvae.rollouts import RolloutStore
from worldvae.training.device import torch_device


@dataclass(frozen=True)
class SweepTask:
    """What every trial of a sweep is made from, resolved from an experiment."""

    folder: Path
    rollouts: Path
    """The folder of the frames that all trials share."""
    pretrain: PretrainConfig
    """The pretraining of all trials, except for beta and the number of latents."""
    sweep: SweepConfig
    seed: int
    device: str

    @classmethod
    def of(cls, experiment: Experiment) -> SweepTask:
        """Return the sweep of `experiment`."""
        return cls(
            folder=experiment.sweep_folder,
            rollouts=experiment.rollouts_folder,
            pretrain=experiment.pretrain,
            sweep=experiment.sweep,
            seed=experiment.seed,
            device=torch_device(experiment.device),
        )

    def pretrain_of(self, setting: Setting) -> PretrainConfig:
        """Return the pretraining with the beta and the number of latents of `setting`."""
        objective = self.pretrain.objective.model_copy(update={"beta": setting.beta})
        update = {"objective": objective, "latents": setting.latents}
        return self.pretrain.model_copy(update=update)


def run_trial(task: SweepTask, setting: Setting) -> None:
    """Write the encoder and health.json into the trial's folder."""
    folder = task.folder / setting.name
    store, config = RolloutStore(task.rollouts), task.pretrain_of(setting)
    with locked(folder, "trial", STAGE, alone=True):
        encoder = pretrain(store, config, folder, task.seed, task.device)
        health = diagnose(encoder, store, task.seed)
        HEALTH.write(folder, health)
