"""Small encoders for the tests: real weights, no training."""

from typing import Any

import numpy as np

from tests.autoencoders.tiny import Frames
from worldvae.autoencoders.config import AutoencoderConfig, NetworkConfig
from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.encoder_files import FrameOrigin
from worldvae.envs import EnvConfig, FrameConfig, make_vec, source_shape
from worldvae.envs.observations import image_of

DOTS = EnvConfig(id="worldvae/Dots-v0", frame=FrameConfig(height=32, width=32), workers="sync")
NETWORK = NetworkConfig(latents=8, channels=(4, 8, 8, 8))


def make_encoder(env: EnvConfig, **config: Any) -> Encoder:
    """An untrained encoder whose card belongs to `env`, whitened on a few of its frames."""
    vec = make_vec(env, 4, seed=9)
    vec.reset()
    vec.action_space.seed(9)
    steps = [vec.step(vec.action_space.sample())[0] for _ in range(40)]
    config = {"network": NETWORK, **config}
    seen = np.concatenate([image_of(obs, env.image_key) for obs in steps])
    frames = Frames(np.concatenate([seen] * config["network"].stack, axis=-1))
    vec.close()
    origin = FrameOrigin(
        frame=env.frame,
        source_shape=source_shape(env),
        env_id=env.id,
        data_sha256="0" * 64,
        action_repeat=env.action_repeat,
    )
    return Encoder.untrained(AutoencoderConfig(**config), origin, frames, frames, seed=0)
