"""Environments as batches of frames, whatever steps them."""

import gymnasium as gym

from worldvae.envs.config import EnvConfig
from worldvae.envs.frames import Crop, Frame, FrameConfig, preprocess
from worldvae.envs.make import make_env, make_vec, source_shape

gym.register("worldvae/Dots-v0", entry_point="worldvae.envs.dots:DotsEnv", max_episode_steps=60)

__all__ = [
    "Crop",
    "EnvConfig",
    "Frame",
    "FrameConfig",
    "make_env",
    "make_vec",
    "preprocess",
    "source_shape",
]
