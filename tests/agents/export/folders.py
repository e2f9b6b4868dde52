"""Folders of small agents that were never trained, but decide with weights of some size."""

from pathlib import Path
from typing import Any

import torch

from agents.agent_task import AgentTask, new_card
from agents.arms.build import open_training
from agents.config.experiment import Experiment
from agents.policy.algorithms import make_model
from agents.policy.checkpoint import save_agent
from worldvae.torch_seeding import seeded_torch


def make_agent(experiment: Experiment, arm: str, seed: int = 0) -> Path:
    """Save an agent of `arm` at once; what it needs has to be prepared. Return its folder."""
    task = AgentTask.of(experiment, arm, seed, "a test")
    training = open_training(task.setup, seed)
    try:
        first = task.setup.policy_arguments()
        model = make_model(task.setup.agent, training.env, seed, "cpu", first)
    finally:
        training.env.close()
    _enlarge(model.policy)
    task.folder.mkdir(parents=True, exist_ok=True)
    save_agent(task.folder, model, new_card(task))
    return task.folder


def _enlarge(policy: Any) -> None:
    """Draw the heads anew: PPO's first actions would all be about 0 or equally likely."""
    heads = [getattr(policy, "action_net", None), getattr(policy, "q_net", None)]
    with seeded_torch(7), torch.no_grad():
        for head in (head for head in heads if head is not None):
            for layer in head.modules():
                if isinstance(layer, torch.nn.Linear):
                    layer.weight.normal_(0, 1.0)
