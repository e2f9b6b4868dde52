"""An arm of an experiment, resolved once: its environments, what it observes, its first layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from gymnasium import spaces
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv, VecMonitor, VecNormalize, VecTransposeImage

from agents.arms.observers import OBSERVERS, ObservationKind, ObserverInputs
from agents.arms.registry import ARMS, Arm
from agents.config.agent import AgentConfig
from agents.config.experiment import Experiment
from worldvae.autoencoders.encoder import Encoder
from worldvae.envs import EnvConfig, state_variables
from worldvae.envs.world import RealWorld, World
from worldvae.errors import ConfigError
from worldvae.training.device import torch_device
from worldvae.wrappers.latent import FrameEncoder
from worldvae.wrappers.observer import Observer
from worldvae.wrappers.sb3 import CombinedEncoderFeatures, EncoderFeatures, VectorEnvAdapter
from worldvae.wrappers.stack import ObservedVectorEnv


@dataclass(frozen=True)
class ArmSetup:
    """What agents of one arm are made from."""

    arm: Arm
    agent: AgentConfig
    env: EnvConfig
    """The task, as every arm is given it."""
    encoder: Path | None
    """The folder of the encoder that the arm begins with, or was refitted to."""
    frames_per_latent: int
    device: str

    @property
    def kind(self) -> ObservationKind:
        """What kind of observation it is."""
        return OBSERVERS[self.arm.observes]

    @property
    def world(self) -> World:
        """Where its agents train."""
        return RealWorld(self._played)

    @property
    def evaluation_world(self) -> World:
        """Where they are scored: Gymnasium's own environments, episodes played to their end."""
        return RealWorld(self._played.as_evaluated())

    @property
    def _played(self) -> EnvConfig:
        return self.env if self.kind.is_drawn else self.env.without_frames()

    @property
    def stack(self) -> int:
        """Observations in one stack; for a policy that encodes them, all that its latents need."""
        more = self.frames_per_latent - 1 if self.arm.learns_encoder else 0
        return self.agent.stack + more

    @cached_property
    def loaded_encoder(self) -> Encoder:
        """The encoder of an arm that has one."""
        if self.encoder is None:
            raise TypeError(f"the arm {self.arm.name} has no encoder")
        return Encoder.load(self.encoder, self.device)

    def observer_inputs(
        self, actions: spaces.Space[Any], units: RunningMeanStd | None = None
    ) -> ObserverInputs:
        """What its observers are made of; `units` are those of the true state learned before."""
        encode = None
        if self.arm.freezes_encoder:
            encode = FrameEncoder(self.loaded_encoder, self.agent.whiten, self.env.frame)
        if units is None and self.kind.needs_state:
            units = RunningMeanStd(shape=(self.stack * len(state_variables(self.env)),))
        return ObserverInputs(self.stack, actions, encode, units)

    def policy_arguments(self) -> dict[str, Any]:
        """Arguments of the policy that the arm alone has: the encoder that it trains on."""
        if not self.arm.learns_encoder:
            return {}
        key = self.env.image_key
        encoder = self.loaded_encoder.trainable(self.agent.whiten)
        arguments = {"encoder": encoder, "stack": self.agent.stack}
        return {
            "features_extractor_class": CombinedEncoderFeatures if key else EncoderFeatures,
            "features_extractor_kwargs": {**arguments, **({"image_key": key} if key else {})},
            "normalize_images": False,  # the encoder takes grey levels
        }


def set_up(experiment: Experiment, name: str) -> ArmSetup:
    """The arm `name` of `experiment`."""
    arm = ARMS[name]
    return ArmSetup(
        arm=arm,
        agent=experiment.agent,
        env=experiment.env,
        encoder=encoder_folder(experiment, arm),
        frames_per_latent=experiment.pretrain.stack,
        device=torch_device(experiment.device),
    )


def encoder_folder(experiment: Experiment, arm: Arm) -> Path | None:
    """The folder of the encoder that `arm` begins with; None for those that have none."""
    if arm.encoder is None:
        return None
    if arm.has_trained_encoder:
        return experiment.encoder_folder
    return experiment.untrained_encoder_folder


def make_observer(arm: Arm, inputs: ObserverInputs) -> Observer:
    """A new observer of what `arm` observes."""
    return OBSERVERS[arm.observes].make(inputs)


@dataclass(frozen=True)
class TrainingEnv:
    """The environments that an agent trains in, and what an observer in play shares with them."""

    env: VecNormalize
    inputs: ObserverInputs

    def observer(self, arm: Arm) -> Observer:
        """One for play: it uses the units of the state as training has learned them so far."""
        return make_observer(arm, replace(self.inputs, learns=False))


def open_training(setup: ArmSetup, seed: int, units: RunningMeanStd | None = None) -> TrainingEnv:
    """N training environments as the arm observes them; nothing else differs between arms."""
    agent = setup.agent
    env = setup.world.make_vec(agent.num_envs, seed)
    inputs = setup.observer_inputs(env.single_action_space, units)
    observer = make_observer(setup.arm, replace(inputs, learns=True))
    observed = ObservedVectorEnv(env, observer, setup.env.image_key)
    normalized = VecNormalize(
        channels_first(VecMonitor(VectorEnvAdapter(observed))),
        norm_obs=False,
        norm_reward=agent.normalize_reward,
        gamma=agent.gamma,
    )
    return TrainingEnv(normalized, inputs)


def channels_first(env: VecEnv) -> VecEnv:
    """Images of `env` as torch's convolutions take them, (C, H, W).

    Stable-Baselines3 does it too, but outside of VecNormalize, whose original observations an
    algorithm with a replay buffer stores: they would be (H, W, C) still.
    """
    space = env.observation_space
    parts = space.spaces.values() if isinstance(space, spaces.Dict) else [space]
    return VecTransposeImage(env) if any(is_image_space(part) for part in parts) else env


def check_state(setup: ArmSetup) -> None:
    """Raise ConfigError if the arm observes the true state and no reader tells it."""
    if setup.kind.needs_state and not state_variables(setup.env.without_frames()):
        raise ConfigError(
            f"the arm {setup.arm.name}: nothing reads the state of {setup.env.id}; register a "
            "worldvae.envs.state_reader in the module that env.import names, or leave the arm out"
        )
