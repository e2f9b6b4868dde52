"""Starts of dreams in rollouts, other than those kept in the folder of the dynamics."""

from __future__ import annotations

from pathlib import Path

from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.checkpoint import check_steps
from worldvae.dynamics.codes import CODES_FOLDER, encode_rollouts
from worldvae.dynamics.config import DreamSettings
from worldvae.dynamics.dynamics_files import DynamicsCard
from worldvae.dynamics.sequences import Sequences
from worldvae.dynamics.starts import StartBank
from worldvae.errors import ArtifactError
from worldvae.rollouts import RolloutStore
from worldvae.rollouts.manifest import Split


def starts_of_rollouts(
    rollouts: Path,
    encoder: Path,
    dynamics: Path,
    card: DynamicsCard,
    split: Split,
    settings: DreamSettings,
) -> StartBank:
    """Return the starts in episodes of `split` of the rollouts in a folder.

    Frames are encoded once and kept in the folder of the dynamics. Raises ArtifactError if the
    rollouts hold other actions, decisions or keys than the dynamics read, and ConfigError if they
    have no episode of that split.
    """
    store = RolloutStore(rollouts)
    check_steps(card, dynamics, store.env.action_repeat, str(rollouts))
    recorded = {key.name: key.size for key in store.recorded_keys}
    known = {key.name: key.size for key in card.keys}
    if recorded != known:
        raise ArtifactError(
            f"{rollouts}: its episodes hold the keys {recorded or 'none'} beside the frame, the "
            f"dynamics in {dynamics} read {known or 'none'}; name the rollouts of {card.env_id}"
        )
    encoded = encode_rollouts(
        store, Encoder.load(encoder), hash_encoder(encoder), dynamics / CODES_FOLDER
    )
    space = store.action_space
    episodes = Sequences(encoded, split, space, card.keys, window=1)
    if episodes.actions != card.actions:
        raise ArtifactError(
            f"{rollouts}: its actions are {episodes.actions.space}, those of the dynamics in "
            f"{dynamics} are {card.actions.space}; name the rollouts of {card.env_id}"
        )
    return StartBank.of(episodes, settings.starts, settings.burn_in, settings.bank)
