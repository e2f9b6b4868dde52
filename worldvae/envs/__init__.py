"""Environments that show batches of frames, on any of several backends."""

import gymnasium as gym

from worldvae.envs.config import EnvConfig
from worldvae.envs.frames import Crop, Frame, FrameConfig, preprocess
from worldvae.envs.make import (
    make_env,
    make_vec,
    recorded_action_space,
    shows_state,
    source_shape,
    state_variables,
)
from worldvae.envs.state import StateVariable, state_reader

gym.register("worldvae/Dots-v0", entry_point="worldvae.envs.dots:DotsEnv", max_episode_steps=60)
gym.register(
    "worldvae/BusyDots-v0", entry_point="worldvae.envs.dots:BusyDotsEnv", max_episode_steps=60
)
gym.register(
    "worldvae/Shapes-v0", entry_point="worldvae.envs.shapes:ShapesEnv", max_episode_steps=100
)
gym.register(
    "worldvae/Dream-v0",
    entry_point="worldvae.dynamics.dream_env:DreamEnv",
    vector_entry_point="worldvae.dynamics.dream:make_dreams",
)

__all__ = [
    "Crop",
    "EnvConfig",
    "Frame",
    "FrameConfig",
    "StateVariable",
    "make_env",
    "make_vec",
    "preprocess",
    "recorded_action_space",
    "shows_state",
    "source_shape",
    "state_reader",
    "state_variables",
]
