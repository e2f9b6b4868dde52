"""Small dynamics for the tests: what learns in a second, and real weights without training."""

from pathlib import Path
from typing import Any

from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.actions import PolicyActions
from worldvae.dynamics.checkpoint import save_dynamics
from worldvae.dynamics.config import DynamicsConfig, DynamicsNetwork, DynamicsObjective
from worldvae.dynamics.dynamics_files import DynamicsCard, DynamicsModelConfig, KeyUnits
from worldvae.dynamics.model import Dynamics
from worldvae.envs import EnvConfig
from worldvae.envs.make import recorded_action_space

TINY_DYNAMICS = DynamicsConfig(
    memory=8,
    hidden=8,
    components=2,
    window=6,
    observed=2,
    steps=6,
    batch_size=8,
    evaluate_every=2,
    validation_frames=20,
)
"""Dynamics that are learned in a second, and know next to nothing."""


def make_dynamics(
    env: EnvConfig,
    encoder: Path,
    folder: Path,
    keys: tuple[KeyUnits, ...] = (),
    memory: int = 6,
    **network: Any,
) -> Path:
    """Untrained dynamics whose card belongs to `env` and to the encoder in that folder."""
    actions = PolicyActions.of(recorded_action_space(env))
    config = DynamicsModelConfig(
        network=DynamicsNetwork(memory=memory, hidden=8, **network),
        objective=DynamicsObjective(),
        latents=Encoder.load(encoder).latents,
        keys=sum(key.size for key in keys),
        action_size=actions.size,
    )
    card = DynamicsCard(
        env_id=env.id,
        image_key=env.image_key,
        action_repeat=env.action_repeat,
        encoder_sha256=hash_encoder(encoder),
        data_sha256="0" * 64,
        trained=False,
        actions=actions,
        keys=keys,
        scores={},
        versions={},
    )
    save_dynamics(folder, Dynamics(config, seed=3), card)
    return folder
