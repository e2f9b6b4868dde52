"""Makes what the arms of a comparison need before their agents are trained."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from contextlib import closing
from typing import Any

from gymnasium import spaces

from agents.arms.build import ArmSetup, check_batches, check_cameras, check_state, set_up
from agents.config.experiment import Experiment
from agents.policy.algorithms import try_spaces, unscaled_actions
from agents.prepare.dynamics import learn_latent_dynamics, prepare_untrained_dynamics
from agents.prepare.encoder import prepare_untrained_encoder, pretrain_encoder
from agents.run.code import warn_of_other_code
from worldvae.envs import make_env
from worldvae.envs.repeats import where_repeats_differ
from worldvae.envs.vector import replace_image_space
from worldvae.errors import ConfigError

# What the three layers of the Nature CNN (Mnih et al. 2015) leave at least one position of.
SMALLEST_CNN_FRAME = 36

MASKS = "action_masks"
"""The method by which an environment tells sb3-contrib's MaskablePPO which actions are valid."""


def prepare(experiment: Experiment, arms: Collection[str]) -> None:
    """Make the missing rollouts, encoders and dynamics that `arms` need."""
    setups = [set_up(experiment, arm) for arm in arms]
    for setup in setups:
        check_state(setup)
        check_batches(setup)
        check_cameras(setup)
        if setup.arm.trains_in_dream:
            _check_real_steps(experiment)
        if setup.arm.observes_images:
            _check_frames(setup)
    for setup in {setup.kind.shows_keys: setup for setup in setups}.values():
        check_algorithm(setup)
    _warn_of_task(setups)
    warn_of_other_code(experiment)
    if any(setup.arm.has_trained_encoder for setup in setups):
        has_memory = any(setup.arm.has_memory for setup in setups)
        pretrain_encoder(experiment, for_dynamics=has_memory)
    if any(setup.arm.has_untrained_encoder for setup in setups):
        prepare_untrained_encoder(experiment)
    if any(setup.arm.has_trained_dynamics for setup in setups):
        learn_latent_dynamics(experiment)
    if any(setup.arm.has_untrained_dynamics for setup in setups):
        prepare_untrained_dynamics(experiment)


def check_algorithm(setup: ArmSetup) -> None:
    """Raise TrainingError if the algorithm cannot learn from the actions and keys of the task.

    It is tried with one number in the place of the image.
    """
    env = make_env(setup.env.without_frames())
    env.close()
    one_number = spaces.Box(-1, 1, (1,))
    observations: spaces.Space[Any] = one_number
    key = setup.env.image_key
    if key is not None and setup.kind.shows_keys:
        observations = replace_image_space(env.observation_space, key, one_number)
    try_spaces(setup.agent, observations, env.action_space)


def _warn_of_task(setups: Sequence[ArmSetup]) -> None:
    """Warn of what breaks no contract of the environment's, but makes scores say less."""
    world = max(setups, key=lambda setup: setup.kind.is_drawn).evaluation_world
    with closing(world.make_env()) as env:
        where, is_masked = where_repeats_differ(env, seed=0), env.has_wrapper_attr(MASKS)
        unscaled = unscaled_actions(setups[0].agent, env.action_space)
    if where is not None:
        warnings.warn(
            f"{world.name}: the same seed and actions give another episode from {where} on, so "
            "agents are not scored on the same episodes, and no score can be had again; in its "
            "reset() call super().reset(seed=seed), and draw from self.np_random alone",
            stacklevel=3,
        )
    if is_masked:
        warnings.warn(
            f"{world.name}: nothing asks its {MASKS}(); agents choose among all actions, and have "
            "to learn which of them do nothing",
            stacklevel=3,
        )
    if unscaled is not None:
        warnings.warn(
            f"{world.name}: {unscaled}; let it take numbers from -1 to 1 "
            "(gymnasium.wrappers.RescaleAction), or use SAC, which scales them itself",
            stacklevel=3,
        )


def _check_real_steps(experiment: Experiment) -> None:
    """Raise ConfigError if the rollouts alone take more real steps than dreaming may."""
    frames, repeat = experiment.rollouts.frames, experiment.env.action_repeat
    budget = experiment.dream.real_steps
    if budget is not None and frames * repeat > budget:
        raise ConfigError(
            f"dream.real_steps = {budget}: rollouts.frames = {frames} takes up to "
            f"{frames * repeat} environment steps; raise the one or lower the other"
        )


def _check_frames(setup: ArmSetup) -> None:
    """Raise ConfigError if Stable-Baselines3's image policies do not support the frames."""
    frame, arm, stack = setup.env.frame, setup.arm, setup.stack
    if not arm.learns_encoder and min(frame.height, frame.width) < SMALLEST_CNN_FRAME:
        raise ConfigError(
            f"env.frame is {frame.height}x{frame.width}: the stock CnnPolicy of the arm {arm.name} "
            f"needs at least {SMALLEST_CNN_FRAME}x{SMALLEST_CNN_FRAME}"
        )
    channels = stack * frame.shape[2]
    if channels >= min(frame.height, frame.width):
        raise ConfigError(
            f"the arm {arm.name}: {stack} frames (agent.stack) have {channels} channels, and "
            "Stable-Baselines3 takes the smallest side of an image for its channels; use a "
            "smaller stack"
        )
