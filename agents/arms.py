"""The arms of a comparison: the same task, seen through different eyes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gymnasium.vector import VectorEnv
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from agents.experiment import ArmName, Experiment
from worldvae.autoencoders import Encoder
from worldvae.envs import make_vec
from worldvae.envs.stacked import StackedVectorObservation
from worldvae.latent import FrameEncoder, LatentVectorObservation
from worldvae.sb3 import VectorEnvAdapter


def encoder_folder(experiment: Experiment, arm: ArmName) -> Path | None:
    """The encoder that `arm` sees through; None for pixels."""
    if arm == "pixels":
        return None
    return experiment.encoder_folder if arm == "latent" else experiment.random_encoder_folder


def training_env(experiment: Experiment, arm: ArmName, seed: int) -> VecNormalize:
    """N training environments as `arm` sees them; only the last line differs between arms."""
    ppo = experiment.ppo
    env = make_vec(experiment.env, ppo.num_envs, seed)
    monitored = VecMonitor(VectorEnvAdapter(see(experiment, arm, env)))
    return VecNormalize(
        monitored, norm_obs=False, norm_reward=ppo.normalize_reward, gamma=ppo.gamma
    )


def see(
    experiment: Experiment, arm: ArmName, env: VectorEnv[Any, Any, Any]
) -> VectorEnv[Any, Any, Any]:
    """`env` seen through the eyes of `arm`: stacked frames, or stacked latents of an encoder."""
    stack, image_key = experiment.ppo.stack, experiment.env.image_key
    folder = encoder_folder(experiment, arm)
    if folder is None:
        return StackedVectorObservation(env, stack, image_key)
    encoder = Encoder.load(folder, experiment.torch_device)
    return LatentVectorObservation(env, encoder, stack, experiment.ppo.whiten, image_key)


def load_eyes(experiment: Experiment, arm: ArmName) -> FrameEncoder | None:
    """What turns the frames of the experiment's environment into the arm's latents."""
    folder = encoder_folder(experiment, arm)
    if folder is None:
        return None
    encoder = Encoder.load(folder, experiment.torch_device)
    return FrameEncoder(encoder, experiment.ppo.whiten, experiment.env.frame)


def relative_encoder(experiment: Experiment, arm: ArmName, folder: Path) -> str | None:
    """The arm's encoder as seen from the agent's `folder`, so that a run can be moved."""
    encoder = encoder_folder(experiment, arm)
    return None if encoder is None else os.path.relpath(encoder, folder)
