"""Small dynamics for the tests: real weights, no training."""

from pathlib import Path
from typing import Any

from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.actions import ActionSpace
from worldvae.dynamics.checkpoint import save_dynamics
from worldvae.dynamics.config import DynamicsNetwork, DynamicsObjective
from worldvae.dynamics.dynamics_files import DynamicsCard, DynamicsModelConfig, KeyUnits
from worldvae.dynamics.model import Dynamics
from worldvae.envs import EnvConfig
from worldvae.envs.make import recorded_action_space


def make_dynamics(
    env: EnvConfig,
    encoder: Path,
    folder: Path,
    keys: tuple[KeyUnits, ...] = (),
    memory: int = 6,
    **network: Any,
) -> Path:
    """Untrained dynamics whose card belongs to `env` and to the encoder in that folder."""
    actions = ActionSpace.of(recorded_action_space(env))
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
