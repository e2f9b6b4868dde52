"""All that needs Stable-Baselines3: its vector environments, and the first layers of policies."""

from worldvae.wrappers.sb3.adapter import VectorEnvAdapter
from worldvae.wrappers.sb3.features import (
    CombinedEncoderFeatures,
    EncoderFeatures,
    KeyFeatures,
    check_keys,
)
from worldvae.wrappers.sb3.latents import LatentVecEnv

__all__ = [
    "CombinedEncoderFeatures",
    "EncoderFeatures",
    "KeyFeatures",
    "LatentVecEnv",
    "VectorEnvAdapter",
    "check_keys",
]
