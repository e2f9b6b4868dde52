"""Builds what the agents of an arm need: environments, observer, and first layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from gymnasium import spaces
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv, VecMonitor, VecNormalize, VecTransposeImage

from agents.arms.observers import (
    NEGLIGIBLE,
    OBSERVERS,
    ObservationKind,
    ObserverInputs,
    state_units,
)
from agents.arms.registry import ARMS, Arm
from agents.config.agent import AgentConfig
from agents.config.experiment import Experiment
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.config import DreamConfig
from worldvae.dynamics.dream_source import DreamSource
from worldvae.dynamics.world import DreamWorld
from worldvae.envs import EnvConfig, make_env, state_variables
from worldvae.envs.world import RealWorld, World
from worldvae.errors import ConfigError
from worldvae.training.device import torch_device
from worldvae.wrappers.latent_observer import FrameEncoder
from worldvae.wrappers.memory import MemoryEncoder
from worldvae.wrappers.observer import Observer, StackedObserver
from worldvae.wrappers.sb3 import (
    CombinedEncoderFeatures,
    EncoderFeatures,
    KeyFeatures,
    VectorEnvAdapter,
)
from worldvae.wrappers.stack import ObservedVectorEnv


@dataclass(frozen=True)
class ArmSetup:
    """The values from which agents of one arm are made."""

    arm: Arm
    agent: AgentConfig
    """How an agent of the arm is trained; one that dreams has as many environments as dreams."""
    env: EnvConfig
    """The task, which is the same for every arm."""
    encoder: Path | None
    """The folder of the encoder with which the agent begins or continues."""
    dynamics: Path | None
    """The folder of the dynamics whose memory the agent observes."""
    dream: DreamConfig
    frames_per_latent: int
    device: str

    @property
    def kind(self) -> ObservationKind:
        """The kind of observation."""
        return OBSERVERS[self.arm.observes]

    def open_world(self) -> World:
        """Return the world in which its agents train; dynamics are read for a dream."""
        if not self.arm.trains_in_dream:
            return RealWorld(self._task, self.kind.needs_state)
        settings = self.dream.settings.model_dump()
        source = DreamSource.load(self._dynamics_folder, device=self.device, **settings)
        return DreamWorld(source)

    @property
    def evaluation_world(self) -> World:
        """The world in which its agents are evaluated: Gymnasium's environments, whole episodes."""
        return RealWorld(self._task.as_evaluated(), self.kind.needs_state)

    @property
    def _task(self) -> EnvConfig:
        return self.env if self.kind.is_drawn else self.env.without_frames()

    @property
    def stack(self) -> int:
        """Observations in one stack; if the policy encodes frames, all that its latents need."""
        if self.arm.has_memory:
            return 1
        extra = self.frames_per_latent - 1 if self.arm.learns_encoder else 0
        return self.agent.stack + extra

    @property
    def whitens(self) -> bool:
        """Whether its latents are whitened, which dynamics need."""
        return self.agent.whiten or self.arm.has_memory

    @property
    def _dynamics_folder(self) -> Path:
        if self.dynamics is None:
            raise TypeError(f"the arm {self.arm.name} has no dynamics")
        return self.dynamics

    @cached_property
    def loaded_encoder(self) -> Encoder:
        """The arm's encoder; raises TypeError if it has none."""
        if self.encoder is None:
            raise TypeError(f"the arm {self.arm.name} has no encoder")
        return Encoder.load(self.encoder, self.device)

    def observer_inputs(
        self, actions: spaces.Space[Any], units: RunningMeanStd | None = None
    ) -> ObserverInputs:
        """Return the values from which its observers are made.

        `units` are the statistics of the true state that were learned before.
        """
        encode, remember, steps = None, None, self.env.action_repeat
        if self.arm.freezes_encoder:
            encode = FrameEncoder(self.loaded_encoder, self.whitens, self.env.frame, steps)
        if encode is not None and self.arm.has_memory:
            remember = MemoryEncoder(self._dynamics_folder, encode, actions, steps)
        if units is None and self.kind.needs_state:
            units = state_units(self.stack * len(state_variables(self.env)))
        return ObserverInputs(self.stack, actions, encode, remember, units)

    def policy_arguments(self) -> dict[str, Any]:
        """Return the policy's arguments for its first layers, as far as they are not the stock."""
        key = self.env.image_key if self.kind.shows_keys else None
        keys = {} if key is None else {"image_key": key, "symlog_keys": self.agent.symlog_keys}
        if self.arm.learns_encoder:
            encoder = self.loaded_encoder.trainable(self.agent.whiten)
            arguments = {"encoder": encoder, "stack": self.agent.stack}
            return {
                "features_extractor_class": CombinedEncoderFeatures if keys else EncoderFeatures,
                "features_extractor_kwargs": {**arguments, **keys},
                "normalize_images": False,  # the encoder takes grey levels
            }
        if keys and self.agent.symlog_keys:
            return {"features_extractor_class": KeyFeatures, "features_extractor_kwargs": keys}
        return {}


def set_up(experiment: Experiment, name: str) -> ArmSetup:
    """Return the setup of the arm `name` in `experiment`."""
    arm = ARMS[name]
    return ArmSetup(
        arm=arm,
        agent=training_settings(experiment, arm),
        env=experiment.env,
        encoder=encoder_folder(experiment, arm),
        dynamics=dynamics_folder(experiment, arm),
        dream=experiment.dream,
        frames_per_latent=experiment.pretrain.stack,
        device=torch_device(experiment.device),
    )


def encoder_folder(experiment: Experiment, arm: Arm) -> Path | None:
    """Return the folder of the encoder with which `arm` begins, None if it has none."""
    if arm.encoder is None:
        return None
    if arm.has_trained_encoder:
        return experiment.encoder_folder
    return experiment.untrained_encoder_folder


def dynamics_folder(experiment: Experiment, arm: Arm) -> Path | None:
    """Return the folder of the dynamics with which `arm` begins, None if it has none."""
    if not arm.has_memory:
        return None
    if arm.has_trained_dynamics:
        return experiment.dynamics_folder
    return experiment.untrained_dynamics_folder


def training_settings(experiment: Experiment, arm: Arm) -> AgentConfig:
    """Return how agents of `arm` are trained: in a dream, with its number of dreams and steps."""
    if not arm.trains_in_dream:
        return experiment.agent
    amounts = {"num_envs": experiment.dream.num_envs, "env_steps": experiment.dream.env_steps}
    return experiment.agent.model_copy(update=amounts)


def make_observer(arm: Arm, inputs: ObserverInputs) -> Observer:
    """Return a new observer for `arm`."""
    return OBSERVERS[arm.observes].make(inputs)


@dataclass(frozen=True)
class TrainingEnv:
    """The environments in which an agent trains, and the inputs of observers in play."""

    env: VecNormalize
    inputs: ObserverInputs

    def observer(self, arm: Arm) -> Observer:
        """Return an observer for play, which uses the statistics of the state but keeps them."""
        return make_observer(arm, replace(self.inputs, learns=False))


def open_training(setup: ArmSetup, seed: int, units: RunningMeanStd | None = None) -> TrainingEnv:
    """Make N training environments with the arm's observer, the only thing in which arms differ."""
    agent = setup.agent
    env = setup.open_world().make_vec(agent.num_envs, seed)
    inputs = setup.observer_inputs(env.single_action_space, units)
    # A dream shows latents and memory already, which reality needs the arm's observer for.
    is_dream = setup.arm.trains_in_dream
    observer = (
        StackedObserver(1) if is_dream else make_observer(setup.arm, replace(inputs, learns=True))
    )
    observed = ObservedVectorEnv(env, observer, setup.env.image_key)
    normalized = VecNormalize(
        channels_first(VecMonitor(VectorEnvAdapter(observed))),
        norm_obs=False,
        norm_reward=agent.normalize_reward,
        clip_reward=agent.clip_reward,
        gamma=agent.gamma,
        epsilon=NEGLIGIBLE,
    )
    normalized.ret_rms.count = NEGLIGIBLE
    return TrainingEnv(normalized, inputs)


def channels_first(env: VecEnv) -> VecEnv:
    """Transpose images of `env` to (C, H, W), the order of torch's convolutions.

    Stable-Baselines3 does so, too, but outside of VecNormalize. An algorithm with a replay buffer
    stores the original observations of VecNormalize, which would still be (H, W, C).
    """
    space = env.observation_space
    parts = space.spaces.values() if isinstance(space, spaces.Dict) else [space]
    return VecTransposeImage(env) if any(is_image_space(part) for part in parts) else env


def check_batches(setup: ArmSetup) -> None:
    """Raise ConfigError if the batches of the algorithm do not fit the number of dreams."""
    try:
        setup.agent.check_batches()
    except ValueError as error:
        raise ConfigError(f"dream.num_envs = {setup.agent.num_envs}: {error}") from None


def check_cameras(setup: ArmSetup) -> None:
    """Raise ConfigError if the arm dreams of an environment that shows further images.

    A dream shows the latents of one; in reality the agent would observe more than in its training.
    """
    if not setup.arm.trains_in_dream:
        return
    env = make_env(setup.env)
    env.close()
    space, image = env.observation_space, setup.env.image_key
    parts = space.spaces if isinstance(space, spaces.Dict) else {}
    cameras = [key for key, part in parts.items() if key != image and is_image_space(part)]
    if cameras:
        raise ConfigError(
            f"the arm {setup.arm.name}: {setup.env.id} also shows the images {', '.join(cameras)}, "
            "which dreams do not; wrap the environment to show one image, or leave the arm out"
        )


def check_state(setup: ArmSetup) -> None:
    """Raise ConfigError if the arm observes the true state and no reader exists for it."""
    if setup.kind.needs_state and not state_variables(setup.env.without_frames()):
        raise ConfigError(
            f"the arm {setup.arm.name}: nothing reads the state of {setup.env.id}; register a "
            "worldvae.envs.state_reader in the module that env.import names, or leave the arm out"
        )
