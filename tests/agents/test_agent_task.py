"""What an agent begins with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agents.agent_task import AgentTask, new_card, resume_or_begin
from agents.config.experiment import Experiment
from agents.run.agent_card import write_card
from tests.tiny import load
from worldvae.errors import WorldvaeError


def begin(experiment: Experiment, arm: str, seed: int) -> AgentTask:
    """As an agent that has trained a while, or to its end, leaves its card."""
    task = AgentTask.of(experiment, arm, seed, "python")
    task.folder.mkdir(parents=True)
    write_card(task.folder, resume_or_begin(task))
    return task


def test_agents_of_one_run_learn_on_one_encoder(runs: Path) -> None:
    """Whichever seed and arm they are of: the report says that they share it."""
    experiment = load(runs)
    begun = begin(experiment, "latent", 0)
    begin(experiment, "pixels", 0)
    begin(experiment, "memory", 0)
    shutil.rmtree(experiment.encoder_folder)
    shutil.copytree(experiment.untrained_encoder_folder, experiment.encoder_folder)
    held = f"{begun.folder} was trained on what {experiment.encoder_folder.resolve()} held before"
    for arm in ("latent", "finetune"):
        with pytest.raises(WorldvaeError, match=held):
            begin(experiment, arm, 1)
    for arm in ("pixels", "untrained"):
        begin(experiment, arm, 1)


def test_agents_whose_encoder_was_refitted_have_their_own(runs: Path) -> None:
    experiment = load(runs)
    task = AgentTask.of(experiment, "latent", 0, "python")
    own = {"encoder": "refresh_1/encoder", "encoder_sha256": "0" * 64, "refreshes": 1}
    task.folder.mkdir(parents=True)
    write_card(task.folder, new_card(task).model_copy(update=own))
    begin(experiment, "latent", 1)
