"""The stages before an agent: rollouts, and the two encoders made from them."""

from __future__ import annotations

import json
from pathlib import Path

from agents.agent import Agent
from agents.experiment import Experiment, check_same_settings
from worldvae.autoencoders import Encoder, FrameOrigin
from worldvae.envs import source_shape
from worldvae.files import atomic_write_text
from worldvae.rollouts import RolloutStore, StoredFrames, collect
from worldvae.training import pretrain


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
