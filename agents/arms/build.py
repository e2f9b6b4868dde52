"""The arms of a comparison: the same task, seen through different eyes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gymnasium import spaces
from gymnasium.vector import VectorEnv
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import (
    VecEnv,
    VecMonitor,
    VecNormalize,
    VecTransposeImage,
)

from agents.arms.observers import BlindEyes, Eyes, ImageEyes, StateEyes
from agents.config.experiment import Experiment
from agents.config.sections import ArmName
from worldvae.autoencoders.encoder import Encoder
from worldvae.envs import EnvConfig, make_vec, state_variables
from worldvae.errors import ConfigError
from worldvae.training.device import torch_device
from worldvae.wrappers.latent import FrameEncoder, LatentVectorObservation
from worldvae.wrappers.sb3 import CombinedEncoderFeatures, EncoderFeatures, VectorEnvAdapter
from worldvae.wrappers.stack import StackedVectorObservation
from worldvae.wrappers.state import ActionVectorObservation, StateVectorObservation

FROZEN: frozenset[ArmName] = frozenset({"latent", "random"})
"""These see latents, encoded outside the policy."""

SEE_FRAMES: frozenset[ArmName] = frozenset({"pixels", "finetune"})
"""The policy of these is given frames."""

SEE_NO_FRAME: frozenset[ArmName] = frozenset({"state", "blind"})


def encoder_folder(experiment: Experiment, arm: ArmName) -> Path | None:
    """The encoder that `arm` begins with; None for those that have none."""
    if arm == "random":
        return experiment.untrained_encoder_folder
    return experiment.encoder_folder if arm in {"latent", "finetune"} else None


def relative_encoder(experiment: Experiment, arm: ArmName, folder: Path) -> str | None:
    """The arm's encoder as seen from the agent's `folder`, so that a run can be moved."""
    encoder = encoder_folder(experiment, arm)
    return None if encoder is None else os.path.relpath(encoder, folder)


def training_env(
    experiment: Experiment, arm: ArmName, seed: int, refitted: Path | None = None
) -> VecNormalize:
    """N training environments as `arm` sees them; nothing else differs between arms.

    `refitted` takes the place of the encoder that the arm begins with, here and below.
    """
    agent, key = experiment.agent, experiment.env.image_key
    env = make_vec(env_of(experiment.env, arm), agent.num_envs, seed)
    monitored = VecMonitor(VectorEnvAdapter(see(experiment, arm, env, refitted)))
    return VecNormalize(
        channels_first(monitored),
        norm_obs=arm == "state",
        norm_obs_keys=[key] if arm == "state" and key is not None else None,
        norm_reward=agent.normalize_reward,
        gamma=agent.gamma,
    )


def channels_first(env: VecEnv) -> VecEnv:
    """Images of `env` as torch's convolutions take them, (C, H, W).

    Stable-Baselines3 does it too, but outside of VecNormalize, whose original observations an
    algorithm with a replay buffer stores: they would be (H, W, C) still.
    """
    space = env.observation_space
    parts = space.spaces.values() if isinstance(space, spaces.Dict) else [space]
    return VecTransposeImage(env) if any(is_image_space(part) for part in parts) else env


def env_of(env: EnvConfig, arm: ArmName) -> EnvConfig:
    """The environment that `arm` plays: who sees no frame has none drawn.

    Gymnasium's own, which alone shows the true state; in this process, since a step that draws
    nothing takes less than handing it to another one.
    """
    if arm not in SEE_NO_FRAME:
        return env
    undrawn = {"backend": "gymnasium", "pixels": "none", "workers": "sync"}
    return env.model_copy(update=undrawn)


def see(
    experiment: Experiment,
    arm: ArmName,
    env: VectorEnv[Any, Any, Any],
    refitted: Path | None = None,
) -> VectorEnv[Any, Any, Any]:
    """`env` seen through the eyes of `arm`."""
    agent, image_key = experiment.agent, experiment.env.image_key
    if arm == "blind":
        return ActionVectorObservation(env, agent.stack)
    if arm == "state":
        variables = len(state_variables(experiment.env))
        return StateVectorObservation(env, variables, agent.stack, image_key)
    if arm in FROZEN:
        encoder = load_encoder(experiment, arm, refitted)
        return LatentVectorObservation(env, encoder, agent.stack, agent.whiten, image_key)
    return StackedVectorObservation(env, frames_of(experiment, arm), image_key)


def frames_of(experiment: Experiment, arm: ArmName) -> int:
    """Frames that one observation holds, for the arms that are given frames.

    For `finetune` as many as its last `stack` latents are made from.
    """
    per_latent = experiment.pretrain.stack if arm == "finetune" else 1
    return experiment.agent.stack + per_latent - 1


def first_layers(experiment: Experiment, arm: ArmName) -> dict[str, Any]:
    """Arguments of the policy that `arm` alone has: the encoder that it trains on."""
    if arm != "finetune":
        return {}
    agent, key = experiment.agent, experiment.env.image_key
    encoder = load_encoder(experiment, arm).trainable(agent.whiten)
    arguments = {"encoder": encoder, "stack": agent.stack}
    return {
        "features_extractor_class": CombinedEncoderFeatures if key else EncoderFeatures,
        "features_extractor_kwargs": {**arguments, **({"image_key": key} if key else {})},
        "normalize_images": False,  # the encoder takes grey levels
    }


def load_encoder(experiment: Experiment, arm: ArmName, refitted: Path | None = None) -> Encoder:
    """The encoder of an arm that has one."""
    folder = refitted or encoder_folder(experiment, arm)
    if folder is None:
        raise ValueError(f"the arm {arm} has no encoder")
    return Encoder.load(folder, torch_device(experiment.device))


def open_eyes(
    experiment: Experiment, arm: ArmName, env: VecNormalize, refitted: Path | None = None
) -> Eyes:
    """What the agent that trains in `env` sees when it plays elsewhere."""
    encode = None
    if arm in FROZEN:
        encoder = load_encoder(experiment, arm, refitted)
        encode = FrameEncoder(encoder, experiment.agent.whiten, experiment.env.frame)
    return make_eyes(
        arm,
        frames_of(experiment, arm),
        experiment.env.image_key,
        encode,
        space=env.action_space,
        units=state_units(env) if arm == "state" else None,
    )


def state_units(env: VecNormalize) -> RunningMeanStd:
    """What `env` has learned of the true state's mean and variance; it goes on learning."""
    units = env.obs_rms
    return next(iter(units.values())) if isinstance(units, dict) else units


def make_eyes(
    arm: ArmName,
    stack: int,
    image_key: str | None,
    encode: FrameEncoder | None,
    *,
    space: Any,
    units: RunningMeanStd | None,
) -> Eyes:
    """The eyes of `arm`: `encode` for latents, `space` of the actions, `units` of the state."""
    if arm == "blind":
        return BlindEyes(stack, space)
    if arm == "state":
        if units is None:
            raise ValueError("the state arm needs the units of its state")
        return StateEyes(stack, units, image_key)
    return ImageEyes(stack, image_key, encode)


def check_state(env: EnvConfig) -> None:
    """Raise ConfigError unless a reader tells the true state of `env`."""
    if not state_variables(env_of(env, "state")):
        raise ConfigError(
            f"the arm state: nothing reads the state of {env.id}; register a "
            "worldvae.envs.state_reader in the module that env.import names, or leave the arm out"
        )
