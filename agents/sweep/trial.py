"""One trial: an encoder of one beta trained and measured, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path

import torch

from agents.experiment import Experiment
from agents.sweep.points import HEALTH, Setting
from worldvae.config import UserError
from worldvae.diagnostics.health import diagnose
from worldvae.files import atomic_write_text
from worldvae.pretraining import PretrainConfig, pretrain
from worldvae.rollouts import RolloutStore


def config_of(experiment: Experiment, setting: Setting) -> PretrainConfig:
    """The experiment's pretraining with another beta and number of latents."""
    changed = {"beta": setting.beta, "latents": setting.latents}
    return experiment.pretrain.model_copy(update=changed)


def run_trial(experiment: Experiment, setting: Setting, threads: int) -> None:
    """Leave encoder and health.json in the trial's folder, what is printed in its trial.log."""
    folder = experiment.sweep_folder / setting.name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "trial.log").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    _end_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a pruned trial tidies up
    torch.set_num_threads(min(threads, torch.get_num_threads()))
    try:
        _train_and_measure(experiment, setting, folder)
    except UserError as error:
        sys.exit(f"error: {error}")
    except Exception:  # noqa: BLE001  # the log tells what it was
        sys.exit(traceback.format_exc())


def _train_and_measure(experiment: Experiment, setting: Setting, folder: Path) -> None:
    store, config = RolloutStore(experiment.rollouts_folder), config_of(experiment, setting)
    encoder = pretrain(store, config, folder, experiment.seed, experiment.torch_device)
    health = diagnose(encoder, store, experiment.seed)
    atomic_write_text(folder / HEALTH, json.dumps(health.as_dict(), indent=1))


def _end_with_parent() -> None:
    """A killed sweep must not leave trials behind that hold the folders of the next one."""
    parent = parent_process()
    if parent is None:
        return

    def watch(sentinel: int) -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, args=(parent.sentinel,), daemon=True).start()
